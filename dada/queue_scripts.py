"""What the queue does inside Redis: one script for each move, so that no step of a client lies between two lists.

All keys of one queue share the hash tag {name}: one slot of a Redis Cluster.

    {q}:ready        LIST  bodies that may run now: pushed on the left, taken from the right
    {q}:work:<w>     LIST  what worker <w> took and has not finished, the newest on the left
    {q}:later        ZSET  bodies by due time: delays and retries
    {q}:dead         ZSET  bodies that were given up, by when; never trimmed
    {q}:workers      ZSET  workers by their last sign of life
    {q}:crashes      HASH  job id → workers that died holding it
    {q}:why          HASH  job id → its last error, while it is not done
    {q}:cancel       SET   ids of running jobs that shall stop
    {q}:counts       HASH  put and done, ever
    {q}:key:<k>      STRING  the one job that waits or runs under the key <k>

A body is JSON with the id first, so that a script finds the id without reading the rest.  Times are Redis' own,
in milliseconds (TIME): no worker's clock decides anything.

This file knows Redis; it does not know Python's side of a job.
"""

from typing import Final

__all__ = ["SCRIPTS", "keys"]

NAMES: Final = ("ready", "later", "dead", "workers", "crashes", "why", "cancel", "counts")


def keys(queue: str) -> list[str]:
    """Return the keys that every script is given, in order; the last is what names of lists begin with."""
    return [f"{{{queue}}}:{name}" for name in NAMES] + [f"{{{queue}}}:"]


# Every script begins so.  `base` is "{q}:"; the lists of workers and the guards of keys are built from it, which
# is legal in a cluster because the tag puts them into the same slot.
_HEAD: Final = """
local ready, later, dead, workers, crashes, why, cancel, counts, base = unpack(KEYS)
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function id_of(body) return string.match(body, '^{"id":"([^"]*)"') or body end
local function free_key(body, dead)  -- a job that ends frees the key it held; a dead one keeps its own id's
    if not string.find(body, '"key":', 1, true) then return end
    local found, job = pcall(cjson.decode, body)
    if found and type(job) == 'table' and type(job.key) == 'string' and job.key ~= (dead and 'id:' .. job.id) then
        local guard = base .. 'key:' .. job.key
        if redis.call('GET', guard) == job.id then redis.call('DEL', guard) end
    end
end
local function bury(body, reason)
    redis.call('ZADD', dead, now, body)
    redis.call('HSET', why, id_of(body), reason)
    redis.call('HDEL', crashes, id_of(body))
    redis.call('SREM', cancel, id_of(body))
    free_key(body, true)
end
"""

# ARGV: delay in ms, key or "", then (id, body) of each job.  Returns the id that holds the key already, or false.
# A job that holds its key itself was put before, and is not put twice.
PUT: Final = """
local delay, key = tonumber(ARGV[1]), ARGV[2]
if key ~= '' and not redis.call('SET', base .. 'key:' .. key, ARGV[3], 'NX') then
    return redis.call('GET', base .. 'key:' .. key)
end
for i = 3, #ARGV, 2 do
    if delay > 0 then redis.call('ZADD', later, now + delay, ARGV[i + 1])
    else redis.call('LPUSH', ready, ARGV[i + 1]) end
end
redis.call('HINCRBY', counts, 'put', (#ARGV - 2) / 2)
return false
"""

# ARGV: worker, most jobs to take, grace in ms, crashes allowed, jobs the caller knows it holds, then the bodies that
# it has done.  Returns how many of those it still held, and bodies: all that it holds if that is another number than
# it knows, else what was taken now.
CLAIM: Final = """
local me, most, grace, allowed, known = ARGV[1], unpack(ARGV, 2, 5)
most, grace, allowed, known = tonumber(most), tonumber(grace), tonumber(allowed), tonumber(known)
local mine = base .. 'work:' .. me
redis.call('ZADD', workers, now, me)

local finished = 0
for i = 6, #ARGV do
    if redis.call('LREM', mine, -1, ARGV[i]) == 1 then
        finished = finished + 1
        redis.call('HDEL', crashes, id_of(ARGV[i]))
        redis.call('HDEL', why, id_of(ARGV[i]))
        redis.call('SREM', cancel, id_of(ARGV[i]))
        free_key(ARGV[i])
    end
end
if finished > 0 then redis.call('HINCRBY', counts, 'done', finished) end

for _, body in ipairs(redis.call('ZRANGEBYSCORE', later, '-inf', now, 'LIMIT', 0, 100)) do
    redis.call('ZREM', later, body)
    redis.call('LPUSH', ready, body)
end

local silent = redis.call('ZRANGEBYSCORE', workers, '-inf', now - grace, 'LIMIT', 0, 1)[1]
if silent then  -- its jobs go to the head of the line; a job that was there at too many deaths is given up
    local theirs = base .. 'work:' .. silent
    while true do
        local body = redis.call('LPOP', theirs)
        if not body then break end
        local deaths = redis.call('HINCRBY', crashes, id_of(body), 1)
        if deaths > allowed then bury(body, 'its worker died ' .. deaths .. ' times')
        else redis.call('RPUSH', ready, body) end
    end
    redis.call('ZREM', workers, silent)
end

local held = redis.call('LLEN', mine)
if held ~= known then return {finished, 1, redis.call('LRANGE', mine, 0, -1)} end

local suspicion = redis.call('HLEN', crashes) > 0
local stops = redis.call('SCARD', cancel) > 0
local taken = {}
while #taken < most do
    local body = redis.call('LMOVE', ready, mine, 'RIGHT', 'LEFT')
    if not body then break end
    if stops and redis.call('SISMEMBER', cancel, id_of(body)) == 1 then
        redis.call('LPOP', mine)
        bury(body, 'cancelled')
    elseif suspicion and redis.call('HEXISTS', crashes, id_of(body)) == 1 then
        -- Whoever was near a crash runs alone, so that the guilty job does not take others with it again.
        if #taken == 0 then taken[1] = body else redis.call('LMOVE', mine, ready, 'LEFT', 'RIGHT') end
        break
    else taken[#taken + 1] = body end
end
return {finished, 0, taken}
"""

# ARGV: worker, body, "again" | "bury" | "done", the error, the successor's body, its delay in ms.  Returns 1, or 0
# where the worker does not hold the job any more: then nothing is changed.
FINISH: Final = """
local mine, body, verb, reason = base .. 'work:' .. ARGV[1], ARGV[2], ARGV[3], ARGV[4]
if redis.call('LREM', mine, -1, body) == 0 then return 0 end
if verb == 'again' then
    redis.call('ZADD', later, now + tonumber(ARGV[6]), ARGV[5])
    redis.call('HSET', why, id_of(body), reason)
    redis.call('HDEL', crashes, id_of(body))
elseif verb == 'bury' then bury(body, reason)
else
    redis.call('HDEL', crashes, id_of(body))
    redis.call('HDEL', why, id_of(body))
    redis.call('SREM', cancel, id_of(body))
    redis.call('HINCRBY', counts, 'done', 1)
    free_key(body)
end
return 1
"""

# ARGV: worker.  Returns false if the worker was taken for dead, else the ids that shall stop.
BEAT: Final = """
if not redis.call('ZSCORE', workers, ARGV[1]) then return false end
redis.call('ZADD', workers, now, ARGV[1])
return redis.call('SMEMBERS', cancel)
"""

# ARGV: worker.  Everything that it holds goes back to the head of the line, in the old order.  Returns how many.
LEAVE: Final = """
local given = 0
while redis.call('LMOVE', base .. 'work:' .. ARGV[1], ready, 'LEFT', 'RIGHT') do given = given + 1 end
redis.call('ZREM', workers, ARGV[1])
return given
"""

# ARGV: names of workers that have a list.  One that is in no register gets there as silent since ever: the next
# claim takes its jobs back.
ADOPT: Final = """
for _, worker in ipairs(ARGV) do
    if redis.call('EXISTS', base .. 'work:' .. worker) == 1 then redis.call('ZADD', workers, 'NX', 0, worker) end
end
"""

# Returns put, ready, held, later, dead, done: one moment's figures.
COUNTS: Final = """
local held = 0
for _, worker in ipairs(redis.call('ZRANGE', workers, 0, -1)) do
    held = held + redis.call('LLEN', base .. 'work:' .. worker)
end
return {tonumber(redis.call('HGET', counts, 'put') or 0), redis.call('LLEN', ready), held, redis.call('ZCARD', later),
        redis.call('ZCARD', dead), tonumber(redis.call('HGET', counts, 'done') or 0)}
"""

# Walks through everything; for one id says where it is, for none returns the ids that are in more than one place.
# ARGV: id or "".  Returns {place, worker, body} for an id, or a list of ids.
FIND: Final = """
local wanted, seen, twice = ARGV[1], {}, {}
local function walk(list, place, worker)
    for _, body in ipairs(list) do
        local id = id_of(body)
        if id == wanted then return {place, worker, body} end
        if wanted == '' and seen[id] then twice[#twice + 1] = id end
        seen[id] = true
    end
end
local found = walk(redis.call('LRANGE', ready, 0, -1), 'waiting', '')
    or walk(redis.call('ZRANGE', later, 0, -1), 'later', '')
    or walk(redis.call('ZRANGE', dead, 0, -1), 'dead', '')
for _, worker in ipairs(redis.call('ZRANGE', workers, 0, -1)) do
    found = found or walk(redis.call('LRANGE', base .. 'work:' .. worker, 0, -1), 'held', worker)
end
return found or twice
"""

# ARGV: body, "waiting" | "later" | "held".  A waiting job dies at once; a held one is marked, and its worker told.
CANCEL: Final = """
local body, place = ARGV[1], ARGV[2]
if place == 'held' then return redis.call('SADD', cancel, id_of(body)) end
local gone = place == 'later' and redis.call('ZREM', later, body) or redis.call('LREM', ready, 1, body)
if gone == 1 then bury(body, 'cancelled') end
return gone
"""

# ARGV: the dead body, the body to run, its key or "".  Returns 1, 0 if it is not dead any more, or the key's holder.
REVIVE: Final = """
if not redis.call('ZSCORE', dead, ARGV[1]) then return 0 end
local guard = base .. 'key:' .. ARGV[3]
if ARGV[3] ~= '' and not redis.call('SET', guard, id_of(ARGV[1]), 'NX') then
    local holder = redis.call('GET', guard)
    if holder ~= id_of(ARGV[1]) then return holder end
end
redis.call('ZREM', dead, ARGV[1])
redis.call('LPUSH', ready, ARGV[2])
redis.call('HDEL', why, id_of(ARGV[1]))
redis.call('HDEL', crashes, id_of(ARGV[1]))
return 1
"""

# ARGV: the most to return.  Returns body, when, why of the jobs that died last.
DEAD: Final = """
local told = {}
local bodies = redis.call('ZRANGE', dead, 0, tonumber(ARGV[1]) - 1, 'REV', 'WITHSCORES')
for i = 1, #bodies, 2 do
    told[#told + 1] = {bodies[i], bodies[i + 1], redis.call('HGET', why, id_of(bodies[i])) or ''}
end
return told
"""

SCRIPTS: Final = {
    name: _HEAD + text
    for name, text in {
        "put": PUT, "claim": CLAIM, "finish": FINISH, "beat": BEAT, "leave": LEAVE, "adopt": ADOPT, "counts": COUNTS,
        "find": FIND, "cancel": CANCEL, "revive": REVIVE, "dead": DEAD,
    }.items()
}  # fmt: skip
