/** A campaign file in which every key stands, as a value, for the properties that go through all of them. */
import { writeValue } from "../../../src/liveness/limitText.ts"
import { defaults, explain } from "../../../src/liveness/LivenessLimits.ts"

/** Every limit with its default, as a file holds it. */
const liveness = Object.fromEntries(
  explain(defaults).map(({ key, kind, name, value }) => [name, kind === "time" ? writeValue(key, value) : value])
)

const task = (id: string, grader: object) => ({ id, prompt: `What is ${id}?`, grader })

export const wholeFile = {
  name: "night",
  repeat: 5,
  seed: 7,
  concurrency: { first: 2, most: 16 },
  "stall-policy": "enforce",
  "stall-limit": "5min",
  "hard-cap": "2h",
  "built-in-tasks": ["roman-numerals"],
  "task-folders": ["tasks"],
  liveness,
  policy: {
    attempts: 4,
    wait: "30min",
    "engine-faults": 6,
    "breaker-failures": 7,
    "campaign-retries": 0,
    "campaign-time": "8h",
    "campaign-tokens": 1_000_000
  },
  engine: [
    { name: "gpu", url: "http://gpu:8000", "key-variable": "GPU_KEY", concurrency: 4, "on-model-change": "continue" },
    { name: "here", url: "simulated" }
  ],
  agent: [
    { name: "ours", engine: "gpu", model: "qwen", "max-tokens": 100 },
    {
      name: "theirs",
      url: "https://agent.example/a2a",
      "token-variable": "THEIR_TOKEN",
      command: "python3 agent.py",
      "working-directory": "agents",
      environment: { OPENAI_API_KEY: "${OPENAI_API_KEY}", LEVEL: "${LEVEL:-debug}" },
      mode: "tap",
      tap: "http://tap:8100",
      concurrency: { most: 3 }
    },
    { name: "behind", url: "http://127.0.0.1:9019/", engine: "here" }
  ],
  judge: { engine: "gpu", model: "judge-model", "max-tokens": 512 },
  task: [
    task("javascript", {
      kind: "javascript-tests",
      function: "f",
      tests: [{ arguments: [1, [2]], expected: { a: 1 } }]
    }),
    task("python", { kind: "python-tests", function: "f", "tests-file": "tests.json" }),
    task("exact", { kind: "text", match: "exact", expected: "Paris", "ignore-case": true, answer: "text" }),
    task("contains", { kind: "text", match: "contains", expected: "Paris" }),
    task("regex", { kind: "text", match: "regex", pattern: "^a+$", flags: "im", answer: "code", language: "text" }),
    task("number", { kind: "text", match: "number", expected: 42, tolerance: 0.5, answer: "json", path: "a.0" }),
    task("schema", { kind: "json-schema", schema: { type: "object" }, answer: "json" }),
    task("schema-file", { kind: "json-schema", "schema-file": "schema.json" }),
    task("model", { kind: "model", rubric: "Is it right?", "passing-score": 0.5, answer: "text" }),
    { id: "model-file", "prompt-file": "prompt.md", grader: { kind: "model", "rubric-file": "rubric.md" } },
    task("command", {
      kind: "command",
      command: ["./grade.py", "--strict"],
      "working-directory": "graders",
      "time-limit": "10s",
      "passing-score": 0.75,
      answer: "code"
    })
  ]
}

/** The files that it names. */
export const others = {
  "tests.json": "[{ \"arguments\": [], \"expected\": null }]",
  "schema.json": "{ \"type\": \"array\" }",
  "prompt.md": "Say ${hello}.\n",
  "rubric.md": "Is it kind?",
  "tasks/alone.toml":
    "prompt = \"Alone?\"\n[grader]\nkind = \"javascript-tests\"\nfunction = \"g\"\ntests-file = \"alone-tests.json\"\n",
  "tasks/alone-tests.json": "[{ \"arguments\": [\"x\"], \"expected\": true }]",
  "tasks/named.json":
    "{ \"id\": \"called\", \"prompt\": \"p\", \"grader\": { \"kind\": \"text\", \"match\": \"exact\", \"expected\": \"\" } }",
  "tasks/README.md": "no task"
}
