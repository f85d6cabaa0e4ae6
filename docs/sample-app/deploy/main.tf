# Lendery's cloud. Every flaw in this file is deliberate.
provider "aws" {
  region = "eu-central-1"
}

resource "aws_s3_bucket" "covers" {
  bucket = "lendery-covers"
  acl    = "public-read"
}

resource "aws_security_group" "web" {
  name = "lendery-web"
  ingress {
    from_port   = 0
    to_port     = 65535
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0"]
  }
}

resource "aws_db_instance" "books" {
  identifier          = "lendery-books"
  engine              = "mysql"
  instance_class      = "db.t3.micro"
  username            = "lendery"
  allocated_storage   = 20
  publicly_accessible = true
  storage_encrypted   = false
  skip_final_snapshot = true
}

resource "aws_instance" "api" {
  ami                         = "ami-00000000"
  instance_type               = "t3.micro"
  associate_public_ip_address = true
}

resource "aws_iam_policy" "all" {
  name = "lendery-all"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "*", Resource = "*" }]
  })
}

resource "aws_sqs_queue" "reminders" {
  name = "lendery-reminders"
}

resource "aws_lb" "front" {
  name               = "lendery-front"
  load_balancer_type = "application"
}

resource "aws_lb_listener" "front" {
  load_balancer_arn = aws_lb.front.arn
  port              = 80
  protocol          = "HTTP"
  default_action {
    type             = "forward"
    target_group_arn = "arn:aws:elasticloadbalancing:eu-central-1:000000000000:targetgroup/x/0"
  }
}

resource "aws_ecr_repository" "images" {
  name = "lendery"
}

resource "aws_elasticache_replication_group" "sessions" {
  replication_group_id = "lendery-sessions"
  description          = "sessions"
}
