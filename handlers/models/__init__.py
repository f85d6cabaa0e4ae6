"""Models: base models found, fetched and made; finished models built, checked, promoted and rolled back."""
