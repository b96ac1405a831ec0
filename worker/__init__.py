"""The queue edge: every job on one screen.

Each line is a task's name, the function behind it, how often it may fail before it is given up, and the seconds that
one run may take.  A function is called with the services, the job, and the job's arguments by name; it may be called
twice for one job, and does its work once, because it removes the job's row of the outbox in the same breath.
"""

from typing import Final

from worker import mail
from worker.loop import Task

__all__ = ["JOBS"]

JOBS: Final = {
    "mail.activation": Task(mail.send_activation, retries=10, seconds=30),
    "mail.reset": Task(mail.send_reset, retries=10, seconds=30),
    "mail.password_changed": Task(mail.send_password_changed, retries=10, seconds=30),
    "mail.token_reused": Task(mail.send_token_reused, retries=10, seconds=30),
    "mail.new_device": Task(mail.send_new_device, retries=10, seconds=30),
    "mail.identity_bound": Task(mail.send_identity_bound, retries=10, seconds=30),
    "mail.identity_unbound": Task(mail.send_identity_unbound, retries=10, seconds=30),
}
