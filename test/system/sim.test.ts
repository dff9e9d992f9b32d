/** `campaign sim` from outside: the flags reach the simulated engine, and wrong ones end the command. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { run, start } from "../support/command.ts"
import { temporaryDirectory } from "../support/temporaryDirectory.ts"

const ask = (url: string, body: object) =>
  Effect.promise(async () => {
    const response = await fetch(`${url}/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ messages: [{ role: "user", content: "Hi" }], stream: true, ...body })
    })
    return { status: response.status, text: await response.text() }
  })

const flagsOfTheWire = [
  "--max-model-len=400",
  "--num-speculative-tokens=2",
  "--headers=with-first-token",
  "--sse-keep-alive-interval=0.1",
  "--reasoning-tokens=40",
  "--reasoning-field=reasoning_content",
  "--tool-call-parser=buffering",
  "--hold-back-every=2",
  "--finish-chunk=empty"
]

describe("campaign sim", () => {
  it.live("listens on the loopback interface unless told otherwise", () =>
    Effect.gen(function*() {
      const [, plain] = yield* (yield* start(["sim", "--port", "0"])).line(/listens at http:\/\/(\S+?):\d+\/v1,/)
      assert.strictEqual(plain, "127.0.0.1")
      const [, told] = yield* (yield* start(["sim", "--port", "0", "--host", "::1"])).line(
        /listens at http:\/\/(\S+)\/v1,/
      )
      assert.match(told!, /^\[::1\]:\d+$/)
    }), 30_000)

  it.live("behaves as its flags say", () =>
    Effect.gen(function*() {
      const command = ["sim", "--port", "0", "--time-to-first-token", "350", "--inter-token-latency", "0"]
      const [, url] = yield* (yield* start([...command, ...flagsOfTheWire])).line(/listens at (\S+),/)
      const { text } = yield* ask(url!, { return_token_ids: true })
      assert.isTrue(text.startsWith(": keep-alive\n\n"))
      assert.include(text, "\"reasoning_content\":\"")
      assert.match(text, /"delta":\{"(reasoning_)?content":""\},"logprobs":null,"finish_reason":null/)
      assert.match(text, /"token_ids":\[\d+,\d+,\d+\]/)
      assert.match(text, /"delta":\{"content":""\},"logprobs":null,"finish_reason":"stop"/)
      assert.strictEqual((yield* ask(url!, { max_tokens: 401 })).status, 400)
    }), 30_000)

  it.live("has plain defaults, and fails where it is told to", () =>
    Effect.gen(function*() {
      const command = ["sim", "--port", "0", "--time-to-first-token", "0", "--inter-token-latency", "0"]
      const [, url] = yield* (yield* start([...command, "--fail-after-tokens", "7"])).line(/listens at (\S+),/)
      const plain = yield* ask(url!, { max_tokens: 6 })
      assert.notInclude(plain.text, "keep-alive")
      assert.notInclude(plain.text, "\"reasoning\"")
      assert.include(plain.text, "\"finish_reason\":\"length\"")
      const failed = yield* ask(url!, {})
      assert.include(failed.text, "data: {\"error\":{\"message\":\"The server had an error")
      assert.isTrue(failed.text.endsWith("data: [DONE]\n\n"))
    }), 30_000)

  const listening = /listens at (\S+),/
  const at = (url: string, body: object) =>
    Effect.gen(function*() {
      const started = performance.now()
      const { text } = yield* ask(url, body)
      const contents = Array.from(text.matchAll(/"delta":\{"content":"([^"]*)"/g), ([, content]) => content)
      return { millis: performance.now() - started, tokens: contents.length, text: contents.join("") }
    })

  it.live("takes the times of its flags, of variables, and of a trace", () =>
    Effect.gen(function*() {
      const perToken = ["--latency-calculator=per-token", "--prefill-overhead=50ms", "--prefill-time-per-token=100ms"]
      const exact = ["--prefill-time-std-dev=0", "--inter-token-latency-std-dev=0", "--latency-jitter=3"]
      const transfer = ["--kv-cache-transfer-time-per-token=1us", "--kv-cache-transfer-time-std-dev=0"]
      const environment = { CAMPAIGN_INTER_TOKEN_LATENCY: "0.2s", CAMPAIGN_ANSWER_TOKENS: "3" }
      const [, url] = yield* (yield* start(["sim", "--port=0", ...perToken, ...exact, ...transfer], { environment }))
        .line(listening)
      const messages = [{ role: "user", content: "one two three four five" }]
      const computed = yield* at(url!, { messages })
      assert.strictEqual(computed.text, "token token token")
      // 550 ms for five tokens, then two gaps of 200 ms.
      assert.isAbove(computed.millis, 940)
      const transferred = yield* at(url!, { messages, kv_transfer_params: { do_remote_prefill: true } })
      assert.isAbove(transferred.millis, 390)
      assert.isBelow(transferred.millis, computed.millis - 250)

      const trace = join(yield* temporaryDirectory, "trace.json")
      writeFileSync(trace, JSON.stringify({ gapsMillis: [150], timesToFirstTokenMillis: [400] }))
      const [, replaying] = yield* (yield* start(["sim", "--port=0", `--latency-trace=${trace}`, "--answer-tokens=3"]))
        .line(listening)
      assert.isAbove((yield* at(replaying!, {})).millis, 690)
    }), 60_000)

  it.live(
    "gives the answers and the failure it is told, and asks for the key of its variable",
    () =>
      Effect.gen(function*() {
        const quick = ["sim", "--port=0", "--time-to-first-token=0s", "--inter-token-latency=0"]
        const from = (flags: ReadonlyArray<string>) =>
          Effect.map(
            Effect.flatMap(start([...quick, ...flags]), (running) => running.line(listening)),
            ([, url]) => url!
          )
        assert.strictEqual((yield* at(yield* from(["--answer=Just this."]), {})).text, "Just this.")
        assert.isAbove((yield* at(yield* from(["--random-words=40"]), {})).tokens, 18)
        const script = join(yield* temporaryDirectory, "answers.json")
        writeFileSync(script, JSON.stringify([{ pattern: "^Hi$", answers: ["Ho"] }]))
        assert.strictEqual((yield* at(yield* from([`--answer-script=${script}`]), {})).text, "Ho")

        const failing = [
          "--answer-tokens=9",
          "--fail-after-tokens=2",
          "--fail-code=400",
          "--fail-message=out of memory"
        ]
        const failed = yield* ask(yield* from(failing), { stream: false })
        assert.strictEqual(failed.status, 400)
        assert.include(failed.text, "out of memory")

        const environment = { CAMPAIGN_SIM_API_KEY: "secret" }
        const [, url] = yield* (yield* start([...quick, "--old-metric-names"], { environment })).line(listening)
        assert.strictEqual((yield* ask(url!, {})).status, 401)
        const metrics = yield* Effect.promise(() =>
          fetch(url!.replace("/v1", "/metrics")).then((response) => response.text())
        )
        assert.include(metrics, "vllm:gpu_cache_usage_perc")
      }),
    60_000
  )

  it.live(
    "ends with one line and an exit code for flags and files that cannot be used, before it listens",
    () =>
      Effect.gen(function*() {
        const wrong: ReadonlyArray<readonly [flags: ReadonlyArray<string>, code: number, line: RegExp]> = [
          [["--answer=a", "--answer-tokens=3"], 2, /--answer-tokens exclude each other/],
          [["--inter-token-latency=soon"], 2, /--inter-token-latency: "soon".*such as 100ms/],
          [["--answer-script=nowhere"], 1, /there is no file nowhere; check the path/]
        ]
        for (const [flags, code, line] of wrong) {
          const ended = yield* run(["sim", "--port=0", ...flags])
          assert.deepStrictEqual([ended.code, ended.stdout], [code, ""], flags.join(" "))
          assert.match(ended.stderr, line)
          assert.match(ended.stderr, /^campaign: [^\n]+\n$/)
        }
      }),
    60_000
  )

  it.live("explains each of its flags with an example", () =>
    Effect.gen(function*() {
      const { code, stdout } = yield* run(["sim", "--help"])
      assert.strictEqual(code, 0)
      for (const line of stdout.split("\n")) assert.isAtMost(line.length, 100)
      const explained = stdout.slice(stdout.indexOf("FLAGS: LATENCY"), stdout.indexOf("GLOBAL FLAGS"))
        .split(/\n {2}(?=--)/).slice(1).map((flag) => flag.replaceAll(/\s+/g, " "))
      assert.isAbove(explained.length, 40)
      for (const flag of explained) assert.match(flag, /such as|\(choices: |--list-faults|--json/)
    }), 30_000)

  it.live("misbehaves as it is told, at the start and later", () =>
    Effect.gen(function*() {
      const quick = ["sim", "--port=0", "--time-to-first-token=0", "--inter-token-latency=0", "--answer-tokens=50"]
      const script = join(yield* temporaryDirectory, "faults.txt")
      writeFileSync(script, "rejected:request=2,status=404 # only once\n")
      const flags = [
        ...quick,
        "--fault=truncated:request=1,after-tokens=5",
        "--fault-script",
        script,
        "--max-num-queued-reqs=9"
      ]
      const [, url] = yield* (yield* start([...flags, "--data-parallel-size=2"])).line(listening)
      const { text } = yield* ask(url!, {})
      assert.notInclude(text, "[DONE]")
      assert.strictEqual((yield* ask(url!, {})).status, 404)
      assert.isTrue((yield* ask(url!, {})).text.endsWith("data: [DONE]\n\n"))
      const live = yield* Effect.promise(async () => {
        const faults = url!.replace("/v1", "/sim/faults")
        await fetch(faults, { method: "POST", body: JSON.stringify({ fault: "metrics-error" }) })
        const broken = await fetch(url!.replace("/v1", "/metrics"))
        await fetch(faults, { method: "DELETE" })
        const whole = await fetch(url!.replace("/v1", "/metrics"))
        return [broken.status, whole.status, await whole.text()] as const
      })
      assert.deepStrictEqual(live.slice(0, 2), [500, 200])
      assert.include(live[2], "vllm:num_requests_running{engine=\"1\"")
    }), 30_000)

  it.live(
    "lists its faults for people and for programs, and refuses one that is not there",
    () =>
      Effect.gen(function*() {
        const list = yield* run(["sim", "--list-faults"])
        assert.strictEqual(list.code, 0)
        assert.include(list.stdout, "\n  engine-hang\n")
        const { code, stdout } = yield* run(["sim", "--list-faults", "--json"])
        assert.strictEqual(code, 0)
        const faults: ReadonlyArray<any> = JSON.parse(stdout)
        assert.isAbove(faults.length, 60)
        const hang = faults.find(({ name }) => name === "engine-hang")
        assert.deepInclude(hang.outcome, { verdict: "stalled", kinds: ["engine-hung"] })
        const wrong = yield* run(["sim", "--port=0", "--fault=engin-hang"])
        assert.deepStrictEqual([wrong.code, wrong.stdout], [2, ""])
        assert.match(
          wrong.stderr,
          /^campaign: --fault: there is no fault "engin-hang"; did you mean engine-hang\?[^\n]*\n$/
        )
        const alone = yield* run(["sim", "--json"])
        assert.strictEqual(alone.code, 2)
      }),
    30_000
  )

  it.live("lets nobody in while it is said to load its model", () =>
    Effect.gen(function*() {
      const [, url] = yield* (yield* start(["sim", "--port=0", "--startup-duration=1s"])).line(listening)
      const first = yield* Effect.exit(ask(url!, {}))
      assert.isTrue(Exit.isFailure(first))
      const later = yield* Effect.delay(ask(url!, {}), 1500)
      assert.strictEqual(later.status, 200)
    }), 30_000)
})
