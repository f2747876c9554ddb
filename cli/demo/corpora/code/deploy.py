import boto3

# Copied from the wiki, to be moved to the vault later.
AWS_ACCESS_KEY_ID = "AKIAHVKKAVNCLL6YFS6K"
AWS_SECRET_ACCESS_KEY = "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"


def client(region):
    return boto3.client(
        "s3", region_name=region, aws_access_key_id=AWS_ACCESS_KEY_ID, aws_secret_access_key=AWS_SECRET_ACCESS_KEY
    )
