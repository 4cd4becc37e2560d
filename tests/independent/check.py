"""Applies configs in fresh sandboxes, reads everything back with boto3, and compares it with MDAA's result."""

import json
import sys
import tempfile
from pathlib import Path

import behind
import contract
import model
import tour
from account import Account, Served, run

ACCOUNT, REGION = "111122223333", "us-east-1"
GOLDEN = ["test-org", "test-env", "test-domain", "test-module"]
SAMPLE = ["acme", "dev", "ml", "studio"]

# The config, the document that it is compared with, the identity, and whether it is applied or only planned.
CASES = [
    ("sso-everything-made", "sso-everything-made", GOLDEN, "apply"),
    ("security-group-rules", "security-group-rules", GOLDEN, "plan"),
    ("security-group-rules-accepted", "security-group-rules", GOLDEN, "apply"),
    ("scripts-without-assets", "scripts-without-assets", GOLDEN, "plan"),
    ("scripts-that-apply", "scripts-that-apply", GOLDEN, "apply"),
    ("several-assets", "several-assets", GOLDEN, "apply"),
    ("existing-bucket", "existing-bucket", GOLDEN, "apply"),
    ("data-admin-roles", "data-admin-roles", GOLDEN, "apply"),
    ("user-profiles", "user-profiles", GOLDEN, "apply"),
    ("prefixes", "prefixes", GOLDEN, "apply"),
    ("samples/minimal", "sample-minimal", SAMPLE, "apply"),
    ("samples/sso", "sample-sso", SAMPLE, "apply"),
    ("samples/comprehensive", "sample-comprehensive", SAMPLE, "apply"),
    ("fixtures/mdaa/minimal", "sample-minimal", SAMPLE, "apply"),
    ("fixtures/mdaa/sso", "sample-sso", SAMPLE, "apply"),
    ("fixtures/mdaa/comprehensive", "sample-comprehensive", SAMPLE, "plan"),
]

# What the copied objects of each config are; everything else that lies in its bucket is a difference.
OBJECTS = {
    "several-assets": {
        "lifecycle-assets/JupyterLab/first-asset/a.sh",
        "lifecycle-assets/JupyterLab/second_asset/b1.txt",
        "lifecycle-assets/JupyterLab/second_asset/b2.txt",
        "lifecycle-assets/KernelGateway/first-asset/a.sh",
        "lifecycle-assets/KernelGateway/first-asset/skip.pyc",
        "lifecycle-assets/KernelGateway/third/c.txt",
    },
    "existing-bucket": {
        "lifecycle-assets/JupyterServer/tools/b1.txt",
        "lifecycle-assets/JupyterServer/tools/b2.txt",
        "lifecycle-assets/JupyterServer/tools/nested/n.txt",
    },
    "prefixes": {"lc/assets/KernelGateway/t/a.sh"},
    "samples/comprehensive": {
        f"lifecycle-assets/{app}/testing/{file}"
        for app in ["JupyterServer", "JupyterLab", "KernelGateway"]
        for file in ["README.txt", "test.sh"]
    },
}


def config_of(root, name):
    if name.startswith("samples/"):
        return root / f"{name}.yaml"
    if name.startswith("fixtures/"):
        return root / "tests" / f"{name}.yaml"
    return root / "tests/fixtures/golden" / f"{name}.yaml"


def check(binary, root, case, folder, covered):
    name, document, identity, mode = case
    config = config_of(root, name)
    sandbox, log = folder / "sandbox.json", folder / "calls.ndjson"
    flags = [item for flag, value in zip(["--org", "--env", "--domain", "--module"], identity) for item in [flag, value]]
    common = [str(config), f"--sandbox={sandbox}", f"--sandbox-log={log}", "--account", ACCOUNT, "--region", REGION, *flags]
    expected = json.loads((root / "tests/fixtures/golden" / f"{document}.expected.json").read_text())
    differences = []
    if mode == "apply":
        run([binary, "apply", *common, "--auto-approve", "--format", "json"])
        again = json.loads(run([binary, "plan", *common, "--format", "json"]))
        changed = [change["address"] for change in again["changes"] if change["action"] != "keep"]
        differences += [f"{address}: the plan after the apply is not empty" for address in changed]
    else:
        # A plan leaves no sandbox behind, and the references are looked up in it.
        run([binary, "sandbox", "seed", *common])
        planned = json.loads(run([binary, "plan", *common, "--format", "json"]))
    with Served(binary, sandbox) as endpoint:
        account = Account(endpoint, REGION)
        if mode == "apply":
            found = account.read(identity, expected, OBJECTS.get(name))
        else:
            found = contract.of_plan(planned)
        wanted = contract.deliberate(expected, name, config, account, identity, ACCOUNT, REGION)
        known = contract.references(expected, found, account, planned=mode == "plan", account_id=ACCOUNT)
        differences += contract.compare(contract.resolved(wanted, known), contract.resolved(found, known))
        if mode == "apply" and name in OBJECTS and account.objects != OBJECTS[name]:
            differences.append(f"objects: wanted {sorted(OBJECTS[name])}, found {sorted(account.objects)}")
        differences += account.strict.complaints
    calls = [json.loads(line) for line in log.read_text().splitlines()]
    differences += model.requests(calls)
    covered.update((call["service"], call["operation"]) for call in calls)
    return len(wanted), len(calls), differences


def main():
    binary, root, parts = sys.argv[1], Path(sys.argv[2]), sys.argv[3:]
    failed = False
    covered = set()

    def report(title, counted, differences):
        nonlocal failed
        failed |= bool(differences)
        print(f"{'FAILED' if differences else 'ok':6} {title}: {counted}", flush=True)
        for difference in differences:
            print(f"       {difference}")

    with tempfile.TemporaryDirectory() as temporary:
        for case in CASES:
            title = f"{case[3]} {case[0]}"
            if parts and not any(part in title for part in parts):
                continue
            folder = Path(temporary) / case[0].replace("/", "-")
            folder.mkdir()
            objects, calls, differences = check(binary, root, case, folder, covered)
            report(title, f"{objects} things as MDAA makes them, {calls} requests valid", differences)
        if not parts or "tour" in parts:
            operations, complaints = tour.tour(binary, Path(temporary), covered)
            report("every operation", f"{operations} operations answer what botocore's model says", complaints)
        # All of it is asked for by name: `just drift`.
        if not parts or "behind" in parts:
            folder = Path(temporary) / "behind"
            folder.mkdir()
            report("behind the config's back", *behind.check(binary, root, folder, None if "behind" in parts else 9))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
