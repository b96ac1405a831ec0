"""The queue edge: every job on one screen.

Each line is a task's name, the function behind it, how often it may fail before it is given up, and the seconds that
one run may take.  A function is called with the services, the job, and the job's arguments by name; it may be called
twice for one job, and does its work once, because it removes the job's row of the outbox in the same breath.
"""

from typing import Final

from dada.queue_cron import Crontab
from shop.services import HOUSE, MAIL
from worker import house, mail
from worker.tasks import Schedule, Task

__all__ = ["JOBS", "QUEUES", "SCHEDULES"]

JOBS: Final = {
    "mail.activation": Task(mail.send_activation, retries=10, seconds=30),
    "mail.reset": Task(mail.send_reset, retries=10, seconds=30),
    "mail.password_changed": Task(mail.send_password_changed, retries=10, seconds=30),
    "mail.token_reused": Task(mail.send_token_reused, retries=10, seconds=30),
    "mail.new_device": Task(mail.send_new_device, retries=10, seconds=30),
    "mail.identity_bound": Task(mail.send_identity_bound, retries=10, seconds=30),
    "mail.identity_unbound": Task(mail.send_identity_unbound, retries=10, seconds=30),
    "house.forget_expired": Task(house.forget_expired, retries=3, seconds=60, queue=HOUSE),
}

# How much more often one queue is looked into first than another.
QUEUES: Final = {MAIL: 10, HOUSE: 1}

SCHEDULES: Final = {"forget_expired": Schedule(Crontab("17 3 * * *"), "house.forget_expired")}
