#!/usr/bin/python3
"""Signs what sigv4_cases signed once more, with the signer of AWS's own SDK, and compares.

Usage: sigv4_by_botocore.py SIGV4_CASES [SEED]
"""

import json
import random
import subprocess
import sys

try:
    from botocore.auth import S3SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials
    from botocore.utils import percent_encode
except ImportError as reason:
    print(f"skipped: {reason} (Debian: python3-boto3)")
    sys.exit(77)


def signed(case):
    """The path and query, and the header, as the SDK makes them."""
    auth = S3SigV4Auth(Credentials(case["access_key"], case["secret_key"]), "s3", case["region"])
    path = percent_encode(case["path"], safe="/~")
    request = AWSRequest(case["method"], f"http://{case['host']}{path}", params=case["query"])
    request.headers["Host"] = case["host"]
    request.headers["Content-Type"] = case["type"]
    request.headers["X-Amz-Content-SHA256"] = case["hash"]
    request.headers["X-Amz-Date"] = case["date"]
    request.context["timestamp"] = case["date"]
    canonical = auth.canonical_request(request)
    signature = auth.signature(auth.string_to_sign(request, canonical), request)
    auth._inject_signature_to_request(request, signature)
    query = canonical.split("\n")[2]
    return path + ("?" + query if query else ""), request.headers["Authorization"]


def main():
    seed = sys.argv[2] if len(sys.argv) > 2 else str(random.getrandbits(63))
    print(f"seed {seed}")
    lines = subprocess.run([sys.argv[1], seed], check=True, capture_output=True, text=True).stdout.splitlines()
    assert len(lines) >= 100
    for line in lines:
        case = json.loads(line)
        target, authorization = signed(case)
        if (target, authorization) != (case["target"], case["authorization"]):
            print(f"differs:\n{json.dumps(case, indent=1)}\nwanted:\n{target}\n{authorization}")
            return 1
    print(f"{len(lines)} requests signed alike")
    return 0


if __name__ == "__main__":
    sys.exit(main())
