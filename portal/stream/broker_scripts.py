"""What runs inside Redis or Valkey: joining a history, and publishing once what several replicas say.

Keys: the stream, the hash of what each entry was last said to be (`version digest`), and the name of the history (the
epoch). Plain commands of Redis 6.2 and of every Valkey.
"""

from __future__ import annotations

from typing import Final

JOIN: Final = """
redis.call('SET', KEYS[3], ARGV[1], 'NX')
local epoch = redis.call('GET', KEYS[3])
local oldest = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)
local held = redis.call('XRANGE', KEYS[1], ARGV[2], ARGV[2])
return {epoch, oldest[1] and oldest[1][1] or '0-0', redis.call('XLEN', KEYS[1]), #held}
"""
"""ARGV: a name for a new history, and the id that was read last.

Returns the name of the history, the oldest id in it, its length, and 1 where what was read last is in it.
"""

RENAME: Final = """
if redis.call('GET', KEYS[3]) == ARGV[1] then redis.call('SET', KEYS[3], ARGV[2]) end
return 1
"""
"""ARGV: the name of a history that something is missing from, and a name for what follows it."""

PUBLISH: Final = """
local epoch, most, key, version, digest, gone, force, payload, writer, number = unpack(ARGV)
if redis.call('GET', KEYS[3]) ~= epoch then return redis.error_reply('EPOCH the history is another one') end
local wrote = KEYS[2] .. ':wrote:' .. writer
if tonumber(redis.call('GET', wrote) or '-1') >= tonumber(number) then return '' end
redis.call('SET', wrote, number, 'EX', 3600)
if key ~= '' then
  local known = redis.call('HGET', KEYS[2], key)
  local known_version, known_digest = '', ''
  if known then known_version, known_digest = string.match(known, '^(%S*) (%S*)$') end
  if gone == '1' then
    if not known and (force == '0' or redis.call('EXISTS', KEYS[2] .. ':gone:' .. key) == 1) then return '' end
    if force == '0' and (#known_version > #version or (#known_version == #version and known_version > version)) then
      return ''
    end
    redis.call('HDEL', KEYS[2], key)
    redis.call('SET', KEYS[2] .. ':gone:' .. key, version .. ' ' .. digest, 'EX', 10)
  else
    if known_digest == digest and force == '0' then
      if known_version ~= version then redis.call('HSET', KEYS[2], key, version .. ' ' .. digest) end
      return ''
    end
    if known_digest == digest and not redis.call('SET', KEYS[2] .. ':told:' .. key, digest, 'NX', 'EX', 10) then
      return ''
    end
    if force == '0' then
      if #known_version > #version or (#known_version == #version and known_version > version) then return '' end
      if not known and redis.call('GET', KEYS[2] .. ':gone:' .. key) == version .. ' ' .. digest then return '' end
    end
    redis.call('HSET', KEYS[2], key, version .. ' ' .. digest)
  end
end
return redis.call('XADD', KEYS[1], 'MAXLEN', '~', most, '*', 'h', epoch, 'e', payload)
"""
"""ARGV: epoch, length to keep, entry's id or '', version, digest, '1' where it is gone, '1' to say it in any case, the
event, who writes it, and the how-manieth of the writer's it is: by that an event is known that is written again after a
lost answer. What several replicas say in any case at the same time is published once.

An entry is published where its digest is new and its version not older; one that just went is not brought back by a
replica that is late. Versions are Kubernetes' resourceVersions: of two numbers without leading zeros the longer is the
larger. Returns the id, or '' where somebody has said it already.
"""
