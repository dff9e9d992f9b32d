/** `campaign watch` as a person uses it: an agent asked once, and a campaign seen from another process. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import type { AgentExecutor } from "../../src/a2a/AgentExecutor.ts"
import { Failed } from "../../src/liveness/Failed.ts"
import { Simulator } from "../../src/simulator/Simulator.ts"
import * as TaskLine from "../../src/terminal/TaskLine.ts"
import { Delta, Finish, type TokenEvent, Usage } from "../../src/token/TokenEvent.ts"
import { agent, said } from "../support/agents.ts"
import { run, start } from "../support/command.ts"
import { temporaryDirectory } from "../support/temporaryDirectory.ts"

const thought = Delta.make({ channel: "reasoning", text: "let me see", tokens: 3 })

const answer: ReadonlyArray<TokenEvent> = [
  thought,
  said("To"),
  said("day\n"),
  said("and \u001b[31mtomorrow"),
  Finish.make({ reason: "stop" }),
  Usage.make({ promptTokens: 4, completionTokens: 6 })
]

/** Does what it is told: answers, fails, or begins and says no more. */
const obedient = Effect.gen(function*() {
  const interrupted = yield* Deferred.make<void>()
  const contexts: Array<string> = []
  const executor: AgentExecutor = ({ contextId, text }) => {
    if (text.startsWith("fail")) {
      const reason = { _tag: "ServerError", status: 500, detail: "out of\nmemory" } as const
      return Stream.concat(Stream.make(said("half")), Stream.fail(new Failed({ hop: "engine", reason, tokens: 1 })))
    }
    if (text.startsWith("hang")) {
      const never = Effect.onInterrupt(Effect.never, () => Deferred.succeed(interrupted, undefined))
      return Stream.concat(Stream.make(said("begun")), Stream.fromEffect(never))
    }
    contexts.push(contextId)
    return Stream.fromIterable(answer)
  }
  return { ...yield* agent(executor), contexts, interrupted: Deferred.await(interrupted) }
})

describe("campaign watch URL", () => {
  it.live("gives the answer to a pipe, what is said about it to stderr, and ends as the agent does", () =>
    Effect.gen(function*() {
      const { contexts, interrupted, url } = yield* obedient
      const ask = (text: string, ...more: ReadonlyArray<string>) => run(["watch", url, "--message", text, ...more])
      const hanging = yield* start(["watch", url, "--message", "hang"])
      const [plain, json, failed] = yield* Effect.all([
        ask("hello", "--reasoning"),
        ask("hello", "--json", "--context", "mine", "--ui", "none"),
        ask("fail", "--mode", "poll", "--ui", "none")
      ], { concurrency: 3 })

      assert.deepInclude(plain, { code: 0, stdout: "Today\nand \u001b[31mtomorrow" })
      const lines = plain.stderr.trimEnd().split("\n").map((line) => line.trim())
      assert.match(lines[0]!, /^0\.0s task {5}agent=http:\S+ characters=5$/)
      assert.isTrue(lines.some((line) => /follow {3}mode=stream exact=true/.test(line)), plain.stderr)
      assert.include(lines, "let me see")
      assert.match(
        lines.at(-2)!,
        /^\d\.\ds task {5}completed tokens=6 .*prompt_tokens=4 completion_tokens=6 finish=stop$/
      )

      const [, offered] = /^go on with it: \S+ watch http:\S+ --context (\S+) --message TEXT$/.exec(lines.at(-1)!) ?? []
      assert.include(contexts, offered)

      assert.deepInclude(json, { code: 0, stderr: "" })
      const events = json.stdout.trimEnd().split("\n").map(TaskLine.decode).map(({ content }) => content)
      const tags = new Set(events.map(({ _tag }) => _tag))
      for (const tag of ["Followed", "Verdict", "Delta", "Usage", "Ended", "End"] as const) {
        assert.isTrue(tags.has(tag), tag)
      }
      const text = events.map((event) => event._tag === "Delta" && event.channel === "content" ? event.text : "").join(
        ""
      )
      assert.strictEqual(text, plain.stdout)
      assert.include(contexts, "mine")
      assert.deepInclude(events.at(-1), {
        _tag: "End",
        outcome: "completed",
        tokens: 6,
        mode: "stream",
        unit: "tokens"
      })

      assert.deepStrictEqual([failed.code, failed.stdout], [1, "half"])
      assert.strictEqual(failed.stderr, "campaign: failed: engine: answered 500: out of memory (after 1 tokens)\n")

      yield* hanging.line(/begun/)
      hanging.child.kill("SIGINT")
      assert.strictEqual(yield* hanging.exit, 130)
      assert.match(
        hanging.stderr(),
        /task {5}interrupted tokens=1 .*\ncampaign: interrupted; the agent was asked to cancel/
      )
      yield* interrupted
    }))
})

describe("campaign watch --db", () => {
  it.live("follows battles that another process plays, one after the other, and says how to go on", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      const simulator = Context.get(
        yield* Layer.build(
          Simulator.layer({
            host: "127.0.0.1",
            port: 0,
            interTokenMillis: 15,
            timeToFirstTokenMillis: 10,
            answers: { _tag: "LengthOnly", tokens: 60 }
          })
        ),
        Simulator
      )
      const engine = ["--engine", `${simulator.url}/v1`, "--model", "simulated-model"]
      const runner = yield* start(["run", "--db", "c.db", "--repeat", "9", "-j", "2", ...engine], { directory })
      yield* runner.line(/began/)
      const one = yield* start(["watch", "--db", "c.db", "--agent", "simulated-model", "--json"], { directory })
      yield* one.line(/"_tag":"Outcome"/)
      runner.child.kill("SIGKILL")
      assert.strictEqual(yield* one.exit, 0)
      assert.match(
        one.stderr(),
        /campaign: nobody runs it, \d+ of 27 battles are pending; go on with: \S+ resume --db c\.db/
      )

      const lines = one.stdout().trimEnd().split("\n").map(TaskLine.decode).map(({ content }) => content)
      const end = lines.findIndex(({ _tag }) => _tag === "End")
      assert.deepStrictEqual([lines[0]?._tag, lines[end + 1]?._tag], ["Attempt", "Outcome"])
      const told = lines.slice(0, end).reduce((sum, event) => event._tag === "Delta" ? sum + event.tokens : sum, 0)
      const last = lines[end]
      assert.strictEqual(last?._tag === "End" && last.tokens, told)
      assert.isAbove(told, 0)
    }))
})
