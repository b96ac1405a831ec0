"""What the queue does inside Redis: one script for each move, so that no step of a client lies between two lists.

    {q}:ready        LIST  bodies that may run now: pushed on the left, taken from the right
    {q}:work:<w>     LIST  what worker <w> took and has not finished, the newest on the left
    {q}:later        ZSET  bodies by due time: delays, retries, and what a rate limit holds back
    {q}:dead         ZSET  bodies that were given up, by when; never trimmed
    {q}:workers      ZSET  workers by their last sign of life
    {q}:crashes      HASH  job id → workers that died holding it
    {q}:why          HASH  job id → its last error, while it is not done
    {q}:cancel       SET   ids of running jobs that shall stop
    {q}:counts       HASH  put and done, ever
    {q}:key:<k>      STRING  the one job that waits or runs under the key <k>
    {q}:bell         LIST  at most one mark, which wakes a worker that waits; who leaves jobs behind rings again
    {q}:rates        HASH  task → milliseconds between two runs, and how many may come at once
    {q}:next         HASH  task → when its next run would be on time
    {q}:passes       SET   ids of jobs that were held back once and have their turn
    {q}:cron         HASH  name of a schedule → its last slot
    {q}:tally        HASH  task:fate → how often, for whoever watches

Every script is given one key, "{q}:", with which all others begin; {q} is a hash tag: one slot of a Redis Cluster.
Times are Redis' own, in milliseconds (TIME): no worker's clock decides anything.

This file knows Redis; it does not know Python's side of a job.
"""

from collections.abc import Sequence
from typing import Final

__all__ = ["SCRIPTS", "keys", "put_commands"]


def keys(queue: str) -> list[str]:
    """Return the key that every script is given: what all names of the queue begin with."""
    return [f"{{{queue}}}:"]


def put_commands(q: str, bodies: Sequence[str]) -> list[tuple[str | int, ...]]:
    """Return a transaction that puts jobs and rings: Lua would copy each body twice before it is pushed."""
    push = [("LPUSH", f"{q}ready", *bodies), ("HINCRBY", f"{q}counts", "put", len(bodies))]
    return [*push, ("LPUSH", f"{q}bell", ""), ("LTRIM", f"{q}bell", 0, 0)]


_HEAD: Final = """
local q = KEYS[1]
local function id_of(body) return string.match(body, '^{"id":"([^"]*)"') or body end
local function ring() if redis.call('LLEN', q .. 'bell') == 0 then redis.call('LPUSH', q .. 'bell', '') end end
"""

_NOW: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
"""

# A Redis whose memory is full refuses what may need more (OOM), until a script has written: then it lets it go on.
# So puts are refused, and workers work off what is there.
_GO_ON: Final = "redis.call('PERSIST', q .. 'workers')\n"

# How jobs end.  Most scripts are called without any job ending in an unusual way: they make these when they need them.
_ENDS: Final = """
local function ends()
    local function free_key(body, dead)  -- a job that ends frees the keys it held; a dead one keeps its own id's
        if not string.find(body, '"key":', 1, true) then return end
        local found, job = pcall(cjson.decode, body)
        if not found or type(job) ~= 'table' or type(job.key) ~= 'string' then return end
        local id = id_of(body)
        for _, key in ipairs({job.key, 'id:' .. id}) do
            local guard, keeps = q .. 'key:' .. key, dead and key == 'id:' .. id
            if not keeps and redis.call('GET', guard) == id then redis.call('DEL', guard) end
        end
    end
    local function forget(id)
        redis.call('HDEL', q .. 'crashes', id)
        redis.call('SREM', q .. 'cancel', id)
        redis.call('SREM', q .. 'passes', id)
    end
    local function bury(body, reason)
        local id = id_of(body)
        redis.call('ZADD', q .. 'dead', now, body)
        redis.call('HSET', q .. 'why', id, reason)
        forget(id)
        free_key(body, true)
    end
    local function finish(body)
        forget(id_of(body))
        redis.call('HDEL', q .. 'why', id_of(body))
        free_key(body)
    end
    return finish, bury
end
"""

# ARGV: bodies.  For many of them `put_commands` does the same.
PUT: Final = """
redis.call('LPUSH', q .. 'ready', unpack(ARGV))
redis.call('HINCRBY', q .. 'counts', 'put', #ARGV)
ring()
"""

# ARGV: delay in ms, body.
PUT_LATER: Final = """
redis.call('ZADD', q .. 'later', now + ARGV[1], ARGV[2])
redis.call('HINCRBY', q .. 'counts', 'put', 1)
"""

# ARGV: delay in ms, a second key of a single job or "", then (key, body) of each job.  Returns, for each, the id that
# held its key before, or "".  A job that holds its key itself was put before, and is not put twice.
PUT_ONCE: Final = """
local delay, own, holders, put = tonumber(ARGV[1]), ARGV[2] ~= '' and q .. 'key:' .. ARGV[2], {}, 0
if own and redis.call('EXISTS', own) == 1 then return {redis.call('GET', own)} end
for i = 3, #ARGV, 2 do
    local guard, body = q .. 'key:' .. ARGV[i], ARGV[i + 1]
    if redis.call('SET', guard, id_of(body), 'NX') then
        if own then redis.call('SET', own, id_of(body)) end
        if delay > 0 then redis.call('ZADD', q .. 'later', now + delay, body)
        else redis.call('LPUSH', q .. 'ready', body) end
        put = put + 1
        holders[#holders + 1] = ''
    else holders[#holders + 1] = redis.call('GET', guard) end
end
redis.call('HINCRBY', q .. 'counts', 'put', put)
if put > 0 then ring() end
return holders
"""

# ARGV: name of a schedule, its last slot that is over, the job's body.  Returns 1 for the one who puts it.  A
# schedule that was never seen begins now: what it missed before it was there is nobody's loss.
FIRE: Final = """
local slot = tonumber(ARGV[2])
local last = tonumber(redis.call('HGET', q .. 'cron', ARGV[1]) or slot)
if slot > now then return 0 end
redis.call('HSET', q .. 'cron', ARGV[1], math.max(slot, last))
if slot <= last then return 0 end
redis.call('LPUSH', q .. 'ready', ARGV[3])
redis.call('HINCRBY', q .. 'counts', 'put', 1)
ring()
return 1
"""

# ARGV: worker, most jobs to take, grace in ms, crashes allowed, jobs the caller knows it holds, then the bodies that
# it has done: lines, the newest first.  Returns whether that is another number than it holds, and bodies: if so all
# that it holds, the newest first, else what was taken now.
CLAIM: Final = """
local me, most, grace, allowed, known, done = unpack(ARGV)
most, grace, allowed, known = tonumber(most), tonumber(grace), tonumber(allowed), tonumber(known)
local ready, mine, workers = q .. 'ready', q .. 'work:' .. me, q .. 'workers'
redis.call('ZADD', workers, now, me)

-- Whether anything is out of the ordinary: asked once, so that the usual way costs little.
local unusual = redis.call('EXISTS', q .. 'later', q .. 'crashes', q .. 'cancel', q .. 'rates', q .. 'passes') > 0

if done ~= '' then
    local finished = 0
    local bodies = redis.call('LRANGE', mine, 0, -1)
    local all = table.concat(bodies, '\\n') == done  -- who did all that it held has it removed at once
    if all then redis.call('DEL', mine) else
        bodies = {}
        for body in string.gmatch(done, '[^\\n]+') do bodies[#bodies + 1] = body end
    end
    for _, body in ipairs(bodies) do
        if all or redis.call('LREM', mine, -1, body) == 1 then
            finished = finished + 1
            if unusual or string.sub(body, -10) ~= '"tries":0}' then  -- else it has no key, and never failed
                local finish = ends()
                finish(body)
            end
        end
    end
    redis.call('HINCRBY', q .. 'counts', 'done', finished)
end

if unusual then
    for _, body in ipairs(redis.call('ZRANGEBYSCORE', q .. 'later', '-inf', now, 'LIMIT', 0, 100)) do
        redis.call('ZREM', q .. 'later', body)
        redis.call('LPUSH', ready, body)
    end
end

local silent = redis.call('ZRANGEBYSCORE', workers, '-inf', now - grace, 'LIMIT', 0, 1)[1]
if silent then  -- its jobs go to the head of the line; a job that was there at too many deaths is given up
    unusual = true
    local _, bury = ends()
    while true do
        local body = redis.call('LPOP', q .. 'work:' .. silent)
        if not body then break end
        local deaths = redis.call('HINCRBY', q .. 'crashes', id_of(body), 1)
        if deaths > allowed then bury(body, 'its worker died ' .. deaths .. ' times')
        else redis.call('RPUSH', ready, body) end
    end
    redis.call('ZREM', workers, silent)
end

if redis.call('LLEN', mine) ~= known then return {1, redis.call('LRANGE', mine, 0, -1)} end

local taken = {}
if not unusual or redis.call('EXISTS', q .. 'crashes', q .. 'cancel', q .. 'rates') == 0 then
    if most == 1 then taken[1] = redis.call('LMOVE', ready, mine, 'RIGHT', 'LEFT') or nil
    else
        local line = redis.call('LRANGE', ready, -most, -1)
        for i = #line, 1, -1 do taken[#taken + 1] = line[i] end
        for i = 1, #taken, 1000 do redis.call('LPUSH', mine, unpack(taken, i, math.min(i + 999, #taken))) end
        redis.call('LTRIM', ready, 0, -#taken - 1)
    end
else take_carefully(taken, ready, mine, most) end
if redis.call('LLEN', ready) > 0 then ring() end
return {0, taken}
"""

# What is cancelled dies, what its rate limit holds back waits for its turn, and what was near a crash runs alone, so
# that the guilty job does not take others with it again.
_CAREFULLY: Final = """
local function must_wait(body)  -- until when; nil for a job that may run
    local task = string.match(body, '^{"id":"[^"]*","task":"([^"]*)"')
    local rate = task and redis.call('HGET', q .. 'rates', task)
    if not rate or redis.call('SREM', q .. 'passes', id_of(body)) == 1 then return nil end
    local every, burst = string.match(rate, '^(%S+) (%S+)$')
    local on_time = math.max(now, tonumber(redis.call('HGET', q .. 'next', task)) or 0)
    redis.call('HSET', q .. 'next', task, string.format('%.17g', on_time + every))
    local due = on_time - (burst - 1) * every
    if due <= now then return nil end
    redis.call('SADD', q .. 'passes', id_of(body))
    return due
end
local function take_carefully(taken, ready, mine, most)
    local _, bury = ends()
    for _ = 1, most + 100 do  -- who finds nothing among so many comes again: the bell rings
        local body = #taken < most and redis.call('LMOVE', ready, mine, 'RIGHT', 'LEFT')
        if not body then return end
        local due = nil
        if redis.call('SISMEMBER', q .. 'cancel', id_of(body)) == 1 then
            redis.call('LPOP', mine)
            bury(body, 'cancelled')
        elseif redis.call('HEXISTS', q .. 'crashes', id_of(body)) == 1 then
            if #taken == 0 then taken[1] = body else redis.call('LMOVE', mine, ready, 'LEFT', 'RIGHT') end
            return
        else
            due = must_wait(body)
            if due then
                redis.call('LPOP', mine)
                redis.call('ZADD', q .. 'later', math.ceil(due), body)
            else taken[#taken + 1] = body end
        end
    end
end
"""

# ARGV: worker, body, "again" | "bury" | "done", the error, the successor's body, its delay in ms.  Returns 1, or 0
# where the worker does not hold the job any more: then nothing is changed.
FINISH: Final = """
local body, verb, reason = ARGV[2], ARGV[3], ARGV[4]
if redis.call('LREM', q .. 'work:' .. ARGV[1], -1, body) == 0 then return 0 end
if verb == 'again' then
    redis.call('ZADD', q .. 'later', now + tonumber(ARGV[6]), ARGV[5])
    redis.call('HSET', q .. 'why', id_of(body), reason)
    redis.call('HDEL', q .. 'crashes', id_of(body))
elseif verb == 'bury' then
    local _, bury = ends()
    bury(body, reason)
else
    local usual = string.sub(body, -10) == '"tries":0}'
    if not usual or redis.call('EXISTS', q .. 'crashes', q .. 'cancel', q .. 'passes') > 0 then
        local finish = ends()
        finish(body)
    end
    redis.call('HINCRBY', q .. 'counts', 'done', 1)
end
return 1
"""

# ARGV: worker.  Returns false if the worker was taken for dead, else the ids that shall stop.
BEAT: Final = """
if not redis.call('ZSCORE', q .. 'workers', ARGV[1]) then return false end
redis.call('ZADD', q .. 'workers', now, ARGV[1])
return redis.call('SMEMBERS', q .. 'cancel')
"""

# ARGV: worker.  Everything that it holds goes back to the head of the line, in the old order.  Returns how many.
LEAVE: Final = """
local given = 0
while redis.call('LMOVE', q .. 'work:' .. ARGV[1], q .. 'ready', 'LEFT', 'RIGHT') do given = given + 1 end
redis.call('ZREM', q .. 'workers', ARGV[1])
if given > 0 then ring() end
return given
"""

# ARGV: names of workers that have a list.  One that is in no register gets there as silent since ever: the next
# claim takes its jobs back.
ADOPT: Final = """
for _, worker in ipairs(ARGV) do
    if redis.call('EXISTS', q .. 'work:' .. worker) == 1 then redis.call('ZADD', q .. 'workers', 'NX', 0, worker) end
end
"""

# Returns put, ready, held, later, dead, done: one moment's figures; then a worker's name, the milliseconds since its
# last sign of life and how many jobs it holds, for each worker.
COUNTS: Final = """
local held, told = 0, {}
local heard = redis.call('ZRANGE', q .. 'workers', 0, -1, 'WITHSCORES')
for i = 1, #heard, 2 do
    local holds = redis.call('LLEN', q .. 'work:' .. heard[i])
    held = held + holds
    told[#told + 1] = {heard[i], now - heard[i + 1], holds}
end
return {tonumber(redis.call('HGET', q .. 'counts', 'put') or 0), redis.call('LLEN', q .. 'ready'), held,
        redis.call('ZCARD', q .. 'later'), redis.call('ZCARD', q .. 'dead'),
        tonumber(redis.call('HGET', q .. 'counts', 'done') or 0), told}
"""

# Walks through everything; for one id says where it is, for none returns the ids that are in more than one place.
# ARGV: id or "".  Returns {place, worker, body} for an id, or a list of ids.
FIND: Final = """
local wanted, seen, twice = ARGV[1], {}, {}
local function walk(command, name, place, worker)
    local start = 0
    repeat
        local page = redis.call(command, q .. name, start, start + 999)
        for _, body in ipairs(page) do
            local id = id_of(body)
            if id == wanted then return {place, worker, body} end
            if wanted == '' then
                if seen[id] then twice[#twice + 1] = id end
                seen[id] = true
            end
        end
        start = start + 1000
    until #page == 0
end
local found = walk('LRANGE', 'ready', 'waiting', '') or walk('ZRANGE', 'later', 'later', '')
    or walk('ZRANGE', 'dead', 'dead', '')
for _, worker in ipairs(redis.call('ZRANGE', q .. 'workers', 0, -1)) do
    found = found or walk('LRANGE', 'work:' .. worker, 'held', worker)
end
return found or twice
"""

# ARGV: place, worker, body, as FIND tells them.  A waiting job dies at once; a held one is marked, and its worker
# told.  Returns 0 if it is not there any more.
CANCEL: Final = """
local place, worker, body = unpack(ARGV)
if place == 'held' then
    if not redis.call('LPOS', q .. 'work:' .. worker, body) then return 0 end
    redis.call('SADD', q .. 'cancel', id_of(body))
    return 1
end
local gone = place == 'later' and redis.call('ZREM', q .. 'later', body) or redis.call('LREM', q .. 'ready', 1, body)
if gone == 1 then
    local _, bury = ends()
    bury(body, 'cancelled')
end
return gone
"""

# ARGV: the dead body, the body to run, its key or "".  Returns 1, 0 if it is not dead any more, or the key's holder.
REVIVE: Final = """
if not redis.call('ZSCORE', q .. 'dead', ARGV[1]) then return 0 end
local guard = q .. 'key:' .. ARGV[3]
if ARGV[3] ~= '' and not redis.call('SET', guard, id_of(ARGV[1]), 'NX') then
    local holder = redis.call('GET', guard)
    if holder ~= id_of(ARGV[1]) then return holder end
end
redis.call('ZREM', q .. 'dead', ARGV[1])
redis.call('LPUSH', q .. 'ready', ARGV[2])
redis.call('HDEL', q .. 'why', id_of(ARGV[1]))
redis.call('HDEL', q .. 'crashes', id_of(ARGV[1]))
ring()
return 1
"""

# ARGV: the most to return.  Returns body, when, why of the jobs that died last.
DEAD: Final = """
local told = {}
local bodies = redis.call('ZRANGE', q .. 'dead', 0, tonumber(ARGV[1]) - 1, 'REV', 'WITHSCORES')
for i = 1, #bodies, 2 do
    told[#told + 1] = {bodies[i], bodies[i + 1], redis.call('HGET', q .. 'why', id_of(bodies[i])) or ''}
end
return told
"""

# ARGV: (task:fate, how often more) of each figure.
TALLY: Final = """
for i = 1, #ARGV, 2 do redis.call('HINCRBY', q .. 'tally', ARGV[i], ARGV[i + 1]) end
"""

SCRIPTS: Final = {
    "put": _HEAD + PUT,
    "put_later": _HEAD + _NOW + PUT_LATER,
    "put_once": _HEAD + _NOW + PUT_ONCE,
    "fire": _HEAD + _NOW + FIRE,
    "claim": _HEAD + _NOW + _GO_ON + _ENDS + _CAREFULLY + CLAIM,
    "finish": _HEAD + _NOW + _ENDS + FINISH,
    "beat": _HEAD + _NOW + _GO_ON + BEAT,
    "leave": _HEAD + _GO_ON + LEAVE,
    "adopt": _HEAD + _GO_ON + ADOPT,
    "counts": _HEAD + _NOW + COUNTS,
    "find": _HEAD + FIND,
    "cancel": _HEAD + _NOW + _ENDS + CANCEL,
    "revive": _HEAD + REVIVE,
    "dead": _HEAD + DEAD,
    "tally": _HEAD + TALLY,
}
