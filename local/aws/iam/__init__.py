"""What ministack's IAM leaves open: AWS's forms of resources and conditions, roles of services, a record."""
