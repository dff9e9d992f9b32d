/**
 * The `campaign.toml` that `campaign init` writes: it runs as it is, with the engine that is simulated in this package,
 * and teaches every key.
 *
 * Laws (tested): it is read without a complaint as it stands, and so it is with every commented example made real:
 * those are the lines that begin with `#` and no space behind it. Every key of the tables is mentioned.
 */

export const initialFile =
  `# A campaign: every agent plays every task so many times. Run it by: campaign run --config campaign.toml
# Texts may hold variables of the environment: "\${NAME}" or "\${NAME:-default}"; "$\${" is a literal one.
# Lines that begin with # and no space are examples: take the # away to use them.
# All about this file is told in docs/campaign-file.md.

# What it is called.
name = "first-campaign"

# How often each task is played by each agent.
repeat = 3

# The order of battles follows from it.
seed = 1

# How many battles run at once at one engine: a number, or { first = 2, most = 16 } for as many as the engine can take.
concurrency = 3

# What follows when a run is found hung: "enforce" ends and retries it, "warn" tells, "off" does not look.
stall-policy = "enforce"

# Silence after which a run is given up that nothing else is known of. Without it limits are learned from finished runs.
#stall-limit = "15min"

# The most time an attempt may take, alive or not; longer than the stall limit. Without it what lives is waited for.
#hard-cap = "2h"

# Tasks of this package: "all", or a list of roman-numerals, balanced-brackets, run-length.
built-in-tasks = "all"

# Folders in which every .toml and .json file is a task.
#task-folders = []

# When a battle is tried again, and when it is enough.
[policy]
# Most attempts of a battle that count against it.
attempts = 3
# Most time that a battle may wait after errors that use up no attempt.
wait = "1h"
# How often a battle may be caught in trouble of the whole engine, which uses up no attempt.
engine-faults = 5
# Failures of an agent in a row after which it is left alone for a while.
breaker-failures = 5
# Most attempts beyond the first of all battles together.
#campaign-retries = 100
# After so long, or so many generated tokens, no battle is begun any more; the campaign can be resumed.
#campaign-time = "10h"
#campaign-tokens = 20_000_000

# Any one limit of the watch; \`campaign validate\` shows all with their meaning.
[liveness]
#frozen-floor = "60s"

# An inference server. "simulated" is the one in this package, which needs nothing.
[[engine]]
name = "simulated"
url = "simulated"

# One of your own, here vLLM on this machine.
#[[engine]]
#name = "vllm"
#url = "\${VLLM_URL:-http://127.0.0.1:8000/v1}"
# The variable that holds its key, never the key. Without it CAMPAIGN_API_KEY, else OPENAI_API_KEY.
#key-variable = "VLLM_API_KEY"
# Its own, instead of the campaign's.
#concurrency = { first = 2, most = 16 }
# What follows when it serves another model than before: "stop" ends its battles, "continue" marks it and goes on.
#on-model-change = "stop"

# Who is under test. An agent with an engine is ours, and asks that engine.
[[agent]]
name = "simulated-model"
engine = "simulated"
# The most tokens of an answer.
max-tokens = 4096

#[[agent]]
#name = "my-model"
#engine = "vllm"
# Without it, whatever model the engine serves.
#model = "my-model"

# Any A2A agent, at its address.
#[[agent]]
#name = "my-agent"
#url = "http://127.0.0.1:9009"
# The variable that holds its token. Without it CAMPAIGN_AGENT_TOKEN.
#token-variable = "MY_AGENT_TOKEN"
# How it is started, if it is to be started; where; and with what beside the environment of this command. Variables in
# the environment are filled in when it is started, and never stored.
#command = "python3 agent.py --port 9009"
#working-directory = "."
#environment = { OPENAI_API_KEY = "\${OPENAI_API_KEY}" }
# How it is followed: "stream", "tap", "poll" or "blocking". Without it the best that it can do; \`campaign probe\` tells.
#mode = "tap"
# The pass-through between it and its engine: http:// and where a \`campaign tap\` runs; or where one of this process
# is to listen, such as "127.0.0.1:8100"; or "auto" for any port, which the command gets in OPENAI_BASE_URL.
#tap = "http://127.0.0.1:8100"
# How many battles at once, where no engine is named.
#concurrency = 2

# The model that judges answers to tasks of kind = "model": of an engine above.
#[judge]
#engine = "vllm"
#model = "my-judge"
#max-tokens = 1024

# Tasks of your own. A prompt, tests, a schema or a rubric may stand in a file of its own: prompt-file, tests-file,
# schema-file, rubric-file, by their names beside this file.
#[[task]]
#id = "double"
#prompt = "Write a JavaScript function double(n) that returns twice n, in one code block."
# Or kind = "python-tests".
#[task.grader]
#kind = "javascript-tests"
#function = "double"
#tests = [{ arguments = [1], expected = 2 }, { arguments = [-4], expected = -8 }]

#[[task]]
#id = "capital"
#prompt = "What is the capital of France?"
# match is "exact", "contains", "regex" (pattern and flags) or "number" (expected and tolerance).
#[task.grader]
#kind = "text"
#match = "contains"
#expected = "Paris"
#ignore-case = true

#[[task]]
#id = "year"
#prompt = "When did Apollo 11 land? Answer with JSON, such as {\\"year\\": 1900}."
# Where the answer is: "text" (all of it), "code" (a fenced block, of a language) or "json" (at a path in it).
#[task.grader]
#kind = "text"
#match = "number"
#expected = 1969
#tolerance = 0
#answer = "json"
#path = "year"

#[[task]]
#id = "commit-hash"
#prompt = "Print the first line of git log, in a code block marked as text."
#[task.grader]
#kind = "text"
#match = "regex"
#pattern = '^commit [0-9a-f]{40}$'
#flags = "m"
#answer = "code"
#language = "text"

#[[task]]
#id = "person"
#prompt = "Describe a person as JSON with a name."
#[task.grader]
#kind = "json-schema"
#schema = { type = "object", required = ["name"] }

#[[task]]
#id = "essay"
#prompt = "Explain to a child why the sky is blue."
# Another model judges.
#[task.grader]
#kind = "model"
#rubric = "1 if it is right and a child understands it, 0.5 if it is only right, else 0."
#passing-score = 0.5

#[[task]]
#id = "own-grader"
#prompt = "Say hello."
# A program of yours, in a folder beside this file, gets the answer and prints a score; docs/campaign-file.md says how.
#[task.grader]
#kind = "command"
#command = ["python3", "grade.py"]
#working-directory = "."
#time-limit = "60s"
#passing-score = 1
`
