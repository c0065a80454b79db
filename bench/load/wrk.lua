-- Sends the requests of a file in turn and looks at every answer. The last line of the output is JSON.
-- wrk -s wrk.lua <url> -- <file that returns a list of requests>

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

-- Globals, because done() asks the thread for them by name.
untouched, read, count, login, wrong, cookies = 0, 0, 0, 0, 0, 0
sample = ''
local requests
local at = 0

function init(args)
  requests = dofile(args[1])
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function response(status, headers, body)
  if status ~= 200 then
    wrong = wrong + 1
    sample = status .. ' ' .. body
  elseif body == 'ok' then
    untouched = untouched + 1
  elseif body == 'user 42' then
    read = read + 1
  elseif body == 'welcome' then
    login = login + 1
  elseif body:find('^views [1-9]%d*$') then
    count = count + 1
  else
    wrong = wrong + 1
    sample = status .. ' ' .. body
  end
  if headers['Set-Cookie'] or headers['set-cookie'] then
    cookies = cookies + 1
  end
end

function done(summary, latency)
  local thread = threads[1]
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"seconds":%.6f,"p50":%.6f,"p99":%.6f,"failed":%d,"wrong":%d,"cookies":%d,"sample":"%s",' ..
      '"answers":{"untouched":%d,"read":%d,"count":%d,"login":%d}}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.connect + errors.read + errors.write + errors.timeout, thread:get('wrong'), thread:get('cookies'),
    thread:get('sample'):gsub('[^%w ]', '.'):sub(1, 100),
    thread:get('untouched'), thread:get('read'), thread:get('count'), thread:get('login')))
end
