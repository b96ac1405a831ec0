"""Jobs that send letters, by a real SMTP exchange with the mailbox."""

import pytest

from shop import accounts, outbox
from shop.errors import Refused
from shop.post import Undeliverable
from tests.shop.people import jobs, join, log_in, register
from tests.shop.weibo_browser import faults, forget_requests
from worker import JOBS


@pytest.fixture(autouse=True)
def _fresh(world, services):
    forget_requests(world)
    world.mailbox.clear()


def work(services):
    """Do every job that waits, as the loop would, and return how many that were."""
    count = 0
    while taken := services.queue.claim("w"):
        for job in taken:
            JOBS[job.task].run(services, job, **job.args)
            assert services.queue.done("w", job)
            count += 1
    return count


def letters(world, to):
    return [mail.full() for mail in world.mailbox.mails(to)]


def token_in(letter):
    (link,) = letter["links"]
    return link.rpartition("/")[2]


def test_registering_sends_a_letter_whose_link_activates(services, world):
    register(services)
    assert work(services) == 1
    (letter,) = letters(world, "ada@example.org")
    assert letter["subject"] == "Activate your account at Dada"
    assert letter["links"][0].startswith("http://127.0.0.1:7000/#/activation/")
    assert accounts.activate(services, token_in(letter)).state == "active"
    assert jobs(services) == []


def test_the_token_is_in_no_queue_and_no_outbox(services, world, redis_server):
    register(services)
    with redis_server.client() as client:
        (body,) = client.lrange("{mail}:ready", 0, -1)
    kept = jobs(services)
    work(services)
    token = token_in(letters(world, "ada@example.org")[0])
    assert token.encode() not in body
    assert token not in str(kept)


def test_an_address_that_has_an_account_gets_another_letter(services, world):
    join(services, "owner", "ada@example.org")
    work(services)
    world.mailbox.clear()
    register(services, "second", "ada@example.org")
    work(services)
    (letter,) = letters(world, "ada@example.org")
    assert letter["subject"] == "You have an account at Dada already"
    assert "activation" not in letter["text"]


def test_another_letter_ends_the_first_one_s_link(services, world):
    register(services)
    work(services)
    accounts.ask_for_activation(services, "ada")
    work(services)
    new, old = letters(world, "ada@example.org")
    with pytest.raises(Refused):
        accounts.activate(services, token_in(old))
    assert accounts.activate(services, token_in(new))


def test_who_needs_no_letter_gets_none(services, world):
    join(services)
    work(services)
    world.mailbox.clear()
    accounts.ask_for_activation(services, "ada")
    accounts.ask_for_activation(services, "nobody")
    accounts.ask_for_reset(services, "nobody@example.org")
    assert work(services) == 3
    assert world.mailbox.mails() == []
    assert jobs(services) == []


def test_a_reset_letter_s_link_sets_a_new_password(services, world):
    join(services)
    work(services)
    world.mailbox.clear()
    accounts.ask_for_reset(services, "ada@example.org")
    work(services)
    (letter,) = letters(world, "ada@example.org")
    assert letter["subject"] == "Choose a new password at Dada"
    accounts.reset_password(services, token_in(letter), "another long one")
    work(services)
    assert letters(world, "ada@example.org")[0]["subject"] == "Your password at Dada was changed"


def test_a_reused_token_is_told_to_its_owner(services, world, clock):
    from shop import tokens

    join(services)
    grant = log_in(services)
    tokens.refresh(services, grant.refresh_token)
    clock.advance(11)
    with pytest.raises(Refused):
        tokens.refresh(services, grant.refresh_token)
    work(services)
    assert "A log-in at Dada was ended" in [letter["subject"] for letter in letters(world, "ada@example.org")]


def test_a_letter_is_in_its_reader_s_language(services, world):
    accounts.register(
        services, username="xiaoman", password="correct horse battery", email="x@example.org", language="zh-CN"
    )
    work(services)
    assert letters(world, "x@example.org")[0]["subject"] == "激活您的达达商城帐号"


def test_a_job_that_was_done_before_sends_nothing_again(services, world):
    register(services)
    (job,) = services.queue.claim("w")
    for _ in range(2):
        JOBS[job.task].run(services, job, **job.args)
    assert len(world.mailbox.mails()) == 1


def test_a_letter_that_does_not_go_out_leaves_the_job_to_be_done(services, world):
    register(services)
    faults(world, {"endpoint": "smtp", "fault": "smtp-refuse", "code": 450})
    (job,) = services.queue.claim("w")
    with pytest.raises(Undeliverable):
        JOBS[job.task].run(services, job, **job.args)
    assert outbox.is_due(services, job.id)


def test_one_receiver_gets_ten_letters_of_a_kind_a_day(services, world):
    for number in range(12):
        register(services, f"user{number}", "victim@example.org")
    assert work(services) == 12  # nobody hears of it, and nothing is left behind
    assert len(letters(world, "victim@example.org")) == 10
    assert jobs(services) == []


def test_a_letter_is_not_lost_to_its_own_tries(services, world):
    """An outage of the mail server may cost more tries than a receiver gets letters a day."""
    register(services)
    (job,) = services.queue.claim("w")
    for _ in range(12):
        faults(world, {"endpoint": "smtp", "fault": "smtp-refuse", "code": 450, "times": 1})
        with pytest.raises(Undeliverable):
            JOBS[job.task].run(services, job, **job.args)
    JOBS[job.task].run(services, job, **job.args)
    assert len(letters(world, "ada@example.org")) == 1


def test_a_letter_that_is_one_too_many_ends_no_link_that_arrived(services, world):
    register(services)
    for _ in range(12):
        accounts.ask_for_activation(services, "ada")
        work(services)
    last = letters(world, "ada@example.org")
    assert len(last) == 10
    links = [token_in(letter) for letter in last]
    good = [token for token in links if _activates(services, token)]
    assert len(good) == 1


def _activates(services, token):
    try:
        accounts.check_activation(services, token)
    except Refused:
        return False
    return True
