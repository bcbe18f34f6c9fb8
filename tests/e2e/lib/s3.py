#!/usr/bin/python3
"""Looks into an object store with AWS's own SDK (Debian: python3-boto3). A JSON object on standard input says what to
do: {"endpoint", "accessKey", "secretKey", "bucket", "do", ...}; the answer is JSON on standard output.

do: "make"                 the bucket
    "list"                 {"objects": [{"key", "size", "etag", "type"}], "uploads": [key]}; uploads are unfinished ones
    "fetch" with "folder"  writes every object to FOLDER/BUCKET/KEY, and answers as "list"
"""

import json
import os
import sys

import boto3
from botocore.config import Config


def connect(job):
    return boto3.client(
        "s3", endpoint_url=job["endpoint"], aws_access_key_id=job["accessKey"],
        aws_secret_access_key=job["secretKey"], region_name="us-east-1", verify=job.get("caFile"),
        config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 2}))


def contents(s3, bucket):
    objects = []
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for entry in page.get("Contents", []):
            head = s3.head_object(Bucket=bucket, Key=entry["Key"])
            objects.append({"key": entry["Key"], "size": head["ContentLength"], "etag": head["ETag"].strip('"'),
                            "type": head["ContentType"]})
    uploads = [u["Key"] for u in s3.list_multipart_uploads(Bucket=bucket).get("Uploads", [])]
    return {"objects": objects, "uploads": uploads}


def fetch(s3, bucket, folder):
    found = contents(s3, bucket)
    for entry in found["objects"]:
        path = os.path.join(folder, bucket, entry["key"])
        os.makedirs(os.path.dirname(path), exist_ok=True)
        s3.download_file(bucket, entry["key"], path)
    return found


def main():
    job = json.load(sys.stdin)
    s3 = connect(job)
    if job["do"] == "make":
        s3.create_bucket(Bucket=job["bucket"])
        answer = {}
    elif job["do"] == "list":
        answer = contents(s3, job["bucket"])
    else:
        answer = fetch(s3, job["bucket"], job["folder"])
    json.dump(answer, sys.stdout)


main()
