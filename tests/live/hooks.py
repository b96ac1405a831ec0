"""What the tester of the live API is told of it: how somebody logs in, and what is not the API's to answer.

It is loaded by the tester's own process, with the environment of the API's.
"""

import os
import time

import requests
import schemathesis

from shop import accounts, tokens
from shop.services import connect
from shop.settings import Settings
from shop.tokens import Device
from tests.servers import PATIENCE

API = os.environ["API_URL"]
SERVICES = connect(Settings.read(os.environ))


@schemathesis.auth()
class LoggedIn:
    """The token of the one whose name stands in the paths; a new one when the one before does not do any more.

    Some operations log him out, and some, tried often enough, lock him: each begins with a clean slate.
    """

    token = ""

    def get(self, _case, _context):
        if keys := SERVICES.redis.keys("{limits}:*"):
            SERVICES.redis.delete(*keys)
        found = requests.get(f"{API}/v1/tokens", headers={"Authorization": f"Bearer {self.token}"}, timeout=PATIENCE)
        if found.status_code != 200:
            account = accounts.by_username(SERVICES, os.environ["LIVE_USER"])
            type(self).token = tokens.log_in(SERVICES, account, Device("the tester")).access_token
        return self.token, time.monotonic()  # never the same twice: it is asked for each case

    def set(self, case, data, _context):
        case.headers["Authorization"] = f"Bearer {data[0]}"


@schemathesis.hook
def filter_case(_context, case):
    """A line that is longer than the server reads is refused by the server; tests/faults look at that."""
    return len(case.as_transport_kwargs()["url"]) + len(str(case.query or "").encode()) * 3 < 8000
