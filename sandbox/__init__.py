"""The outside world on one machine: a look-alike of Weibo's OAuth 2.0 service, and a mailbox that receives mail.

    __main__.py         python -m sandbox: the process is put together here
    world.py            two servers, one process: HTTP and SMTP
    app.py              the front door: which paths belong to whom
    weibo.py            Weibo's endpoints, a function each; the table of paths is at its top
    weibo_authorize.py  log-in and consent, and every way back to the application
    weibo_store.py      applications, users, grants, codes, tokens
    weibo_users.py      the made-up users
    weibo_errors.py     the rows of Weibo's error tables
    weibo_answers.py    how Weibo writes its answers
    weibo_faults.py     what Weibo can be told to do wrong
    mailbox.py          letters kept, and their page
    letters.py          a received letter, read
    smtp.py             the door where letters come in, and what it can be told to do wrong
    faults.py           the switches themselves: which fault, where, how often
    admin.py            the switches and the log of requests, over HTTP
    request_log.py      what was asked of Weibo
    site.py, texts.py   pages, in English and Chinese

None of these knows the shop, and the shop must not be able to tell them from the real ones.  They are for lessons
and tests, on loopback only; what they know is forgotten when they end.

What makes every byte visible stands beside them.  It knows the shop, is put around its processes in the sandbox, and is
not so much as read in production:

    traces.py           a process, watched: each request, job, call and letter leaves a record
    trace_gates.py      the functions that decide, and their steps
    trace_parts.py      the doors to database, Redis, mail and Weibo
    trace_record.py     what a record is
    trace_stream.py     where records are kept
    rooms.py            what is served to the page, by path
    inspector.py        the records, as they come, and lines of our sources
    sources.py          which lines those are
    labs.py             the front door of the labs, each with the shop's own code
    lab_token.py        tokens made well and made wrong
    lab_cors.py         a policy and a call, as a model and for real
    lab_queue.py        a queue of one's own, and lab_worker.py to be killed
    lab_oauth.py        the authorization code grant, and who attacks it
"""
