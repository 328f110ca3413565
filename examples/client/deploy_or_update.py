"""The documented Python client, as it stands in the deploy flow but for BASE_URL, the registry and get_ecr_password().

Run it twice against `make local`, with ECR_PASSWORD set as in its curl line ("password="): the first run creates
my-function, the second updates it.
"""

import os
import sys
import time

import requests

BASE_URL = os.environ.get("BASE_URL", "http://127.0.0.1:8000")
REGISTRY = os.environ.get("REGISTRY", "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/blue-faas-app")
APP_NAME = "my-function"  # 고정된 앱 이름
FUNCTION_ID = "fn-my-function-001"


def get_ecr_password():
    """On AWS: boto3's ecr.get_authorization_token(), or `aws ecr get-login-password`."""
    return os.environ["ECR_PASSWORD"]


def deploy_or_update(file_path: str, workspace_id: str):
    """코드를 빌드하고 배포/업데이트합니다."""

    # Step 1: 빌드 및 푸시
    with open(file_path, "rb") as f:
        response = requests.post(
            f"{BASE_URL}/api/v1/build-and-push",
            files={"file": f},
            data={
                "workspace_id": workspace_id,
                "registry_url": REGISTRY,
                "username": "AWS",
                "password": get_ecr_password(),
            }
        )
        task_id = response.json()["task_id"]

    # Step 2: 상태 확인 (polling)
    while True:
        response = requests.get(
            f"{BASE_URL}/api/v1/tasks/{task_id}",
            params={"workspace_id": workspace_id}
        )
        data = response.json()

        if data["status"] == "done":
            image_url = data["result"]["image_url"]
            break
        elif data["status"] == "failed":
            raise Exception(data["error"])

        time.sleep(2)

    # Step 3: 배포 (같은 app_name으로 업데이트)
    response = requests.post(
        f"{BASE_URL}/api/v1/deploy",
        json={
            "app_name": APP_NAME,  # 같은 이름 → 업데이트
            "namespace": "default",
            "image_ref": image_url,
            "function_id": FUNCTION_ID,
        }
    )

    result = response.json()
    print(f"Deployed/Updated: {result['app_name']}")
    print(f"Endpoint: {result['endpoint']}")
    return result


if __name__ == "__main__":
    deploy_or_update(sys.argv[1] if len(sys.argv) > 1 else "examples/hello/app.py", "my-workspace")
