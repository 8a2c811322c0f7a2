"""What Hugging Face's libraries do with the Hub and the cache of the environment (HF_ENDPOINT, HF_HOME,
HF_HUB_OFFLINE), for gopet's tests, which run it when GOPET_ORACLE_PYTHON names a Python that has them.
Versions: huggingface_hub 2.4.0, transformers 5.23.0.

usage: interop.py files TYPE ID REVISION FILE...  fetches or finds files one by one: their paths and SHA-256
       interop.py snapshot TYPE ID REVISION       fetches or finds all of a repository: its directory
       interop.py config ID                       what transformers reads: the config's model_type, the weights' path
       interop.py scan                            what huggingface_hub finds in the cache, and what is wrong in it
       interop.py hold FILE                       says "locking", locks a file, says "held", waits for the end of input

Each prints one line of JSON.
"""

import hashlib
import json
import sys
from pathlib import Path


def files(repo_type, repo_id, revision, *names):
    from huggingface_hub import hf_hub_download

    found = {}
    for name in names:
        path = hf_hub_download(repo_id, name, repo_type=repo_type, revision=revision)
        found[name] = {"path": path, "sha256": hashlib.sha256(Path(path).read_bytes()).hexdigest()}
    return found


def snapshot(repo_type, repo_id, revision):
    from huggingface_hub import snapshot_download

    return {"path": snapshot_download(repo_id, repo_type=repo_type, revision=revision)}


def config(repo_id):
    from transformers import AutoConfig
    from transformers.utils import cached_file

    model_type = AutoConfig.from_pretrained(repo_id).model_type
    return {"model_type": model_type, "weights": cached_file(repo_id, "model.safetensors")}


def scan():
    from huggingface_hub import scan_cache_dir

    cache = scan_cache_dir()
    return {
        "repos": [
            {
                "id": repo.repo_id,
                "type": repo.repo_type,
                "refs": sorted(ref for revision in repo.revisions for ref in revision.refs),
                "files": sorted(str(file.file_name) for revision in repo.revisions for file in revision.files),
            }
            for repo in sorted(cache.repos, key=lambda repo: repo.repo_id)
        ],
        "warnings": [str(warning) for warning in cache.warnings],
    }


def hold(path):
    from huggingface_hub.utils import WeakFileLock

    Path(path).parent.mkdir(parents=True, exist_ok=True)
    print(json.dumps("locking"), flush=True)
    with WeakFileLock(path):
        print(json.dumps("held"), flush=True)
        sys.stdin.read()
    return "released"


if __name__ == "__main__":
    commands = {"files": files, "snapshot": snapshot, "config": config, "scan": scan, "hold": hold}
    print(json.dumps(commands[sys.argv[1]](*sys.argv[2:])), flush=True)
