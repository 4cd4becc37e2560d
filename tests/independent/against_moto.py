"""Starts a moto server, and has the integration test that wants one run against it."""

import os
import subprocess
import sys

from moto.server import ThreadedMotoServer

TEST = "moto::everything_outside_studio_works_against_moto"


def main():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    environment = {**os.environ, "STUDIO_DEPLOY_TEST_MOTO": f"http://{host}:{port}"}
    done = subprocess.run([sys.argv[1], "--exact", TEST, "--nocapture"], env=environment, capture_output=True, text=True)
    server.stop()
    passed = done.returncode == 0 and "1 passed" in done.stdout
    print(f"{'ok' if passed else 'FAILED':6} moto: every kind that it knows is made, changed and deleted there")
    if not passed:
        print(done.stdout, done.stderr)
    sys.exit(0 if passed else 1)


if __name__ == "__main__":
    main()
