scoutsuite_results =
{
 "account_id": "1",
 "last_run": {
  "version": "5.14.0"
 },
 "provider_code": "gcp",
 "services": {
  "cloudstorage": {
   "findings": {
    "cloudstorage-bucket-no-logging": {
     "checked_items": 3,
     "flagged_items": 1,
     "description": "Bucket with Logging Disabled",
     "items": [
      "cloudstorage.buckets.1.logging_enabled"
     ],
     "level": "warning",
     "rationale": "Logs tell who read",
     "references": [
      "https://cloud.google.com/storage"
     ],
     "remediation": null
    }
   }
  },
  "iam": {
   "findings": {}
  }
 }
}
