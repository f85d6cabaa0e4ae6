"""What is known about weaknesses, severities and package ecosystems, apart from any report."""
