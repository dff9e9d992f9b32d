// What a campaign file is refused for, with the line, the key, and what to do.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { type MemoryRequest, read, refusals } from "./memoryFiles.ts"

const grader = "grader = { kind = \"text\", match = \"exact\", expected = \"x\" }"
const task = (id: string) => `[[task]]\nid = "${id}"\nprompt = "p"\n${grader}\n`
const engine = "[[engine]]\nname = \"gpu\"\nurl = \"http://gpu\"\n"

type Case = readonly [text: string, ...lines: ReadonlyArray<string | RegExp>]

const holds = (cases: ReadonlyArray<Case>, request?: MemoryRequest) =>
  Effect.gen(function*() {
    for (const [text, ...expected] of cases) {
      const lines = yield* refusals(text, request)
      for (const [index, line] of expected.entries()) {
        if (typeof line === "string") assert.strictEqual(lines[index], `campaign.toml:${line}`)
        else assert.match(lines[index] ?? "", line)
      }
      assert.lengthOf(lines, expected.length, lines.join("\n"))
    }
  })

describe("a campaign file is refused", () => {
  it.effect("for keys that nobody knows, in every table, all at once", () =>
    holds([
      [
        `repeet = 3\nstallPolicy = "warn"\n${task("t")}[policy]\nattempt = 1\n`,
        "1:1: repeet: there is no key \"repeet\" here; did you mean repeat?",
        "2:1: stallPolicy: there is no key \"stallPolicy\" here; did you mean stall-policy?",
        "8:1: policy.attempt: there is no key \"attempt\" here; did you mean attempts?"
      ],
      ["[[tasks]]\nid = 1", "1:3: tasks: there is no key \"tasks\" here; did you mean task?"],
      [
        "[[task]]\nid = \"a\"\nprmpt = \"x\"\n[task.grader]\nknd = \"text\"",
        "3:1: task[1].prmpt: there is no key \"prmpt\" here; did you mean prompt?",
        "5:1: task[1].grader.knd: there is no key \"knd\" here; did you mean kind?"
      ]
    ]))

  it.effect("for what is missing, at the table where it is", () =>
    holds([
      ["", "1:1: there are no tasks; add [[task]], task-folders = [\"tasks\"] or built-in-tasks = \"all\""],
      ["built-in-tasks = []", "1:1: none of the lists of tasks holds one; add [[task]], or built-in-tasks = \"all\""],
      [
        "\n[[task]]\nprompt-file = 1\n",
        "2:3: task[1].id: is missing; expected a text that is not empty",
        "2:3: task[1].grader: is missing; expected a value",
        "3:1: task[1].prompt-file: expected a text that is not empty, not 1"
      ],
      [
        `${task("t")}[[agent]]\nname = "a"\n`,
        /5:3: agent\[1\]: agent "a" has neither an engine nor a url; add \[\[engine\]\] and name it by engine, or give/
      ],
      [
        `${task("t")}${engine}[[agent]]\nname = "a"\nmodel = "m"\n`,
        "10:1: agent[1].model: agent \"a\" has a model and no engine that serves it; name one by engine: gpu"
      ],
      [`${task("t")}${engine}`, /5:3: engine: there are no agents; add \[\[agent\]\]/]
    ]))

  it.effect("for values of another kind, without showing what may be a key", () =>
    holds([
      [
        `repeat = "3"\nstall-limit = 90\nhard-cap = "0s"\nstall-policy = "kill"\n${task("t")}`,
        "1:1: repeat: expected a whole number of at least 1, not \"3\"",
        "2:1: stall-limit: expected a time in quotes with its unit, longer than nothing, such as \"90s\" or \"2min\", not 90",
        "3:1: hard-cap: expected a time in quotes with its unit, longer than nothing, such as \"90s\" or \"2min\", not \"0s\"",
        "4:1: stall-policy: expected \"enforce\", \"warn\" or \"off\", not \"kill\""
      ],
      [
        `concurrency = { first = 9, most = 3 }\n${
          task("t")
        }[liveness]\ntick = 5\nlost-scrapes = 0\nfrozen-flor = "1s"\n`,
        "1:17: concurrency.first: it cannot begin at 9, above its most (3); lower first or raise most",
        /7:1: liveness.tick: expected a time such as 90s or 2min, .*, in quotes, not 5$/,
        "8:1: liveness.lost-scrapes: expected a whole number from 1 to 1000000, not 0",
        "9:1: liveness.frozen-flor: there is no key \"frozen-flor\" here; did you mean frozen-floor? `campaign validate` shows all"
      ],
      [
        `concurrency = "adaptive"\n${task("t")}`,
        "1:1: concurrency: expected a whole number of at least 1, or { first = 2, most = 16 } for one that is found, not \"adaptive\""
      ],
      [
        `${task("t")}[agent]\nname = "a"\n`,
        "5:2: agent: write [[agent]] with two brackets: there may be several"
      ],
      [
        `${task("t")}[[agent]]\nname = "a"\nurl = "http://me:sk-1@host"\ntoken-variable = "sk-2-secret"\n`,
        "8:1: agent[1].token-variable: expected the name of an environment variable such as \"MY_KEY\" (never the key itself)"
      ],
      [
        `${task("t")}[[agent]]\nname = "a"\nurl = "http://me:sk-1@host"\n[[agent]]\nname = "b"\nurl = "gpu:9009"\n`,
        "7:1: agent[1].url: must not hold a user name or a key; name the variable that holds it by token-variable",
        "10:1: agent[2].url: expected an address that begins with http:// or https://, such as \"http://127.0.0.1:9009\""
      ],
      [
        `${
          task("t")
        }[[engine]]\nname = "gpu"\nurl = "http://host/v1?api-key=sk-1"\n[[agent]]\nname = "a"\nengine = "gpu"\n`,
        "7:1: engine[1].url: must have no query and no fragment, since paths are put behind it; name the variable that holds " +
        "a key by key-variable"
      ]
    ]))

  it.effect("for the same name twice, and for names of what is not there", () =>
    holds([
      [
        `${task("t")}${task("t")}`,
        "6:1: task[2].id: another task is called \"t\" too (campaign.toml:2); give one of them another id"
      ],
      [
        `built-in-tasks = ["run-length", "roman"]\n${task("run-length")}`,
        "1:19: built-in-tasks[1]: another task is called \"run-length\" too (campaign.toml:3); give one of them another id",
        /1:33: built-in-tasks\[2\]: there is no built-in task "roman"; did you mean .* There are roman-numerals, balanced-brackets, run-length/
      ],
      [
        `${task("t")}${engine}${engine}[[agent]]\nname = "a"\nengine = "gpo"\n[[agent]]\nname = "a"\nengine = "gpu"\n`,
        "9:1: engine[2].name: another engine is called \"gpu\" too (line 6); give one of them another name",
        "13:1: agent[1].engine: there is no engine \"gpo\"; did you mean gpu?",
        "15:1: agent[2].name: another agent is called \"a\" too (line 12); give one of them another name"
      ],
      [
        `${task("t")}[[agent]]\nname = "a"\nengine = "gpu"\n`,
        "7:1: agent[1].engine: there is no engine \"gpu\"; add [[engine]] with that name"
      ]
    ]))

  it.effect("for keys that do not go together", () =>
    holds([
      [
        `${
          task("t")
        }${engine}[[agent]]\nname = "a"\nurl = "http://a"\nmodel = "m"\nenvironment = {}\nengine = "gpu"\nconcurrency = 2\n`,
        "11:1: agent[1].model: an agent with a url decides that itself; leave this out, or leave out url",
        "12:1: agent[1].environment: belongs to command; add that, or leave this out",
        "14:1: agent[1].concurrency: agent \"a\" shares the concurrency of its engine; write it there, or leave out engine"
      ],
      [
        `${task("t")}${engine}[[agent]]\nname = "a"\nengine = "gpu"\ncommand = "x"\n`,
        "11:1: agent[1].command: belongs to an agent with a url; add that, or leave this out"
      ],
      [
        `${
          task("t")
        }[[engine]]\nname = "s"\nurl = "simulated"\nkey-variable = "K"\n[[agent]]\nname = "a"\nengine = "s"\n`,
        "8:1: engine[1].key-variable: the simulated engine asks for no key; leave it out"
      ],
      [
        "[[task]]\nid = \"t\"\nprompt = \"p\"\nprompt-file = \"p.md\"\n[task.grader]\nkind = \"text\"\nmatch = \"exact\"\nexpected = \"x\"\nlanguage = \"js\"\npath = \"a\"\n",
        "4:1: task[1].prompt-file: prompt stands there as well; leave out one of them",
        "9:1: task[1].grader.language: belongs to answer = \"code\"; write that too, or leave out language",
        "10:1: task[1].grader.path: belongs to answer = \"json\"; write that too, or leave out path"
      ]
    ]))

  it.effect("for ways in which no agent can be followed", () => {
    const agent = (lines: string) => `${task("t")}${engine}[[agent]]\nname = "a"\nurl = "http://a"\n${lines}\n`
    return holds([
      [
        agent("mode = \"push\""),
        "11:1: agent[1].mode: expected \"stream\", \"tap\", \"poll\" or \"blocking\", not \"push\""
      ],
      [agent("mode = \"tap\""), "11:1: agent[1].mode: mode \"tap\" needs a tap; name one by tap"],
      [
        agent("mode = \"poll\"\ntap = \"http://tap\""),
        "11:1: agent[1].mode: a tap is of no use in mode \"poll\"; leave out one of them"
      ],
      [
        agent("tap = \"127.0.0.1:8100\""),
        "11:1: agent[1].tap: a tap of its own passes on to the agent's engine; name that by engine, or start `campaign tap " +
        "--engine URL` and name its http:// address"
      ],
      [
        agent("engine = \"gpu\"\ntap = \"auto\""),
        "12:1: agent[1].tap: \"auto\" is told to an agent by its command; write the tap's host:port, which the agent is set to"
      ],
      ...["127.0.0.1", "127.0.0.1:70000", "http://user:key@tap:1", ":8100", "a:0"].map((tap) =>
        [
          agent(`tap = "${tap}"`),
          "11:1: agent[1].tap: expected where the tap listens, such as \"127.0.0.1:8100\", or the address of one that runs, " +
          "such as \"http://127.0.0.1:8100\", or \"auto\" for an agent that has a command"
        ] as const
      ),
      [
        `${task("t")}${engine}[[agent]]\nname = "a"\nengine = "gpu"\nmode = "poll"\n`,
        "11:1: agent[1].mode: it is a model behind our own agent, which tells every token; leave this out"
      ]
    ])
  })

  it.effect("for graders that cannot grade", () => {
    const graded = (grader: string) => `[[task]]\nid = "t"\nprompt = "p"\ngrader = { ${grader} }\n`
    return holds([
      [
        graded("kind = \"txt\""),
        /4:12: task\[1\].grader.kind: expected one of "javascript-tests", .*, not "txt"; did you mean "text"\?/
      ],
      [graded("kind = \"text\""), /4:1: task\[1\].grader.match: is missing; write match = one of "exact", /],
      [
        graded("kind = \"javascript-tests\", function = \"a.b\", tests = [{ arguments = [], expected = 1 }]"),
        "4:39: task[1].grader.function: expected the name of a JavaScript function, not \"a.b\""
      ],
      [
        graded("kind = \"python-tests\", function = \"f\", tests = []"),
        /4:51: task\[1\].grader.tests: expected a list of at least one test/
      ],
      [
        graded("kind = \"javascript-tests\", function = \"f\", tests = [{ argument = [], expected = 1 }]"),
        "4:66: task[1].grader.tests[1].argument: there is no key \"argument\" here; did you mean arguments?"
      ],
      [
        graded("kind = \"text\", match = \"regex\", pattern = \"(\""),
        /4:44: task\[1\].grader.pattern: is not a regular expression of JavaScript/
      ],
      [
        graded("kind = \"text\", match = \"exact\", expected = \"x\", answer = \"json\", math = \"a\""),
        // As near to match, which stands there already.
        "4:77: task[1].grader.math: there is no key \"math\" here; did you mean path?"
      ],
      [
        graded("kind = \"model\", rubric = \"r\", passing-score = 2"),
        "4:42: task[1].grader.passing-score: expected a number from 0 to 1, not 2"
      ],
      [
        graded("kind = \"command\", command = []"),
        /4:30: task\[1\].grader.command: expected a program and its arguments/
      ],
      [
        graded("kind = \"json-schema\", schema-file = \"s.json\""),
        /4:34: task\[1\].grader.schema-file: s.json cannot be read \(.*\); check its name/
      ]
    ])
  })

  it.effect("for what is wrong in files that it names, with their lines", () =>
    Effect.gen(function*() {
      const others = {
        "tasks/a.toml": `id = "t"\nprompt = "p"\n${grader}\n`,
        "tasks/b.toml": `id = "t"\nprompt = "\${B}"\n${grader}\n`,
        "tasks/c.json": "{ \"prompt\": }"
      }
      assert.deepStrictEqual(yield* refusals("task-folders = [\"tasks\", \"more\"]\n", { others }), [
        "campaign.toml:1:26: task-folders[2]: more cannot be read (NotFound: FileSystem.read (/campaigns/night/more)); check its name, which is relative to this file",
        "tasks/b.toml:1:1: id: another task is called \"t\" too (tasks/a.toml:1); give one of them another id",
        "tasks/b.toml:2:1: prompt: the variable B is not set; set it, give it a default by ${B:-default}, or write $${ where a literal ${ is meant",
        "tasks/c.json:1:13: this is not JSON: unexpected token RBrace found"
      ])
    }))

  it.effect("when it cannot be read at all", () =>
    Effect.gen(function*() {
      const [missing] = yield* Effect.map(
        Effect.flip(read("", { others: {}, file: "campaign.toml", currentDirectory: "/elsewhere" })),
        ({ message }) => message.split("\n")
      )
      assert.match(missing!, /^campaign.toml: cannot be read \(NotFound: .*\); check its name and your permissions$/)
    }))
})

describe("variables", () => {
  const agent = (lines: string) => `${task("t")}[[agent]]\nname = "a"\nurl = "\${URL:-http://a}"\n${lines}`

  it.effect("are filled in, with their defaults, and $${ is a literal one", () =>
    Effect.gen(function*() {
      const text = `name = "\${WHO}'s $\${x}"\n${agent("")}`
      const { name, settings } = yield* read(text, { environment: { WHO: "ada", URL: "http://b" } })
      assert.strictEqual(name, "ada's ${x}")
      const { kind } = settings.agents[0]
      assert.strictEqual(kind._tag === "Agent" && kind.address.url, "http://b/")
      const other = (yield* read(agent(""))).settings.agents[0].kind
      assert.strictEqual(other._tag === "Agent" && other.address.url, "http://a/")
    }))

  it.effect("that are missing are told with their line", () =>
    holds([[
      `name = "\${WHO}"\n${task("t")}`,
      "1:1: name: the variable WHO is not set; set it, give it a default by ${WHO:-default}, or write $${ where a literal ${ is meant"
    ]]))

  it.effect("that look like secrets are refused wherever their values would be stored", () =>
    Effect.gen(function*() {
      const environment = { API_KEY: "k-1", HF_TOKEN: "t-2", MY_SECRET: "s-3", DB_PASSWORD: "p-4", apikey: "k-5" }
      for (const name of Object.keys(environment)) {
        const text = agent(`token-variable = "\${${name}}"\ncommand = "x --key \${${name}:-none}"\n`)
        const lines = yield* refusals(text, { environment })
        assert.lengthOf(lines, 2)
        assert.strictEqual(
          lines[0],
          `campaign.toml:8:1: agent[1].token-variable: ${name} looks like a secret, which would be stored with the campaign; write the name alone: token-variable = "${name}"`
        )
        assert.include(lines[1]!, `campaign.toml:9:1: agent[1].command: ${name} looks like a secret`)
        assert.include(lines[1]!, `environment = { ${name} = "\${${name}}" }`)
        for (const value of Object.values(environment)) assert.notInclude(lines.join("\n"), value)
      }
      const prompt = yield* refusals(`[[task]]\nid = "t"\nprompt = "\${API_KEY}"\n${grader}\n`, { environment })
      assert.match(prompt[0]!, /task\[1\].prompt: API_KEY looks like a secret/)
    }))

  it.effect("stay as they are in the environment of a command", () =>
    Effect.gen(function*() {
      const environment = "{ KEY = \"${API_KEY}\", X = \"$${y}\" }"
      const { settings } = yield* read(agent(`command = "x"\nenvironment = ${environment}\n`), {
        environment: { API_KEY: "k-1" }
      })
      const { kind } = settings.agents[0]
      assert.deepStrictEqual(kind._tag === "Agent" && kind.address.command?.environment, {
        KEY: "${API_KEY}",
        X: "$${y}"
      })
      assert.notInclude(JSON.stringify(settings), "k-1")
    }))
})
