/** A campaign on a web page, as a person starts it: with the campaign, and beside it. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Simulator } from "../../src/simulator/Simulator.ts"
import type { Frame } from "../../src/web/Frame.ts"
import { run, start } from "../support/command.ts"
import { openEventStream } from "../support/eventStream.ts"
import { temporaryDirectory } from "../support/temporaryDirectory.ts"

const hasTokens = (frame: Frame) => frame.kind !== "beat" && (frame.totals?.tokens ?? 0) > 0
const isRun = (run: string) => (frame: Frame) => frame.kind !== "beat" && frame.state?.run === run

describe("a campaign on a web page", () => {
  it.live("is seen with its run and beside it, when it is killed, and when somebody goes on with it", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      const engine = yield* Layer.build(
        Simulator.layer({ host: "127.0.0.1", port: 0, interTokenMillis: 20, timeToFirstTokenMillis: 10 })
      )
      const { url } = Context.get(engine, Simulator)
      const command = "run --db c.db --web-port 0 --ui plain --task run-length --repeat 1 --model simulated-model"
      const runs = yield* start([...command.split(" "), "--engine", `${url}/v1`], { directory })
      const [, own] = yield* runs.line(/dashboard at (\S+)/)
      const within = yield* openEventStream<Frame>(`${own}events`)
      yield* runs.line(/began/)
      const beside = yield* start(["dashboard", "--db", "c.db", "--port", "0", "--json"], { directory })
      yield* within.until(hasTokens)

      const [said] = yield* beside.line(/^\{.*\}$/m)
      const told = JSON.parse(said) as { readonly url: string; readonly link: string }
      assert.strictEqual(told.link, told.url)
      const outside = yield* openEventStream<Frame>(`${told.url}events`)
      yield* outside.until(({ kind }) => kind === "snapshot")
      const [first, other] = [within, outside].map((stream) =>
        stream.messages().find(({ kind }) => kind === "snapshot")
      )
      assert.isTrue(first?.kind === "snapshot" && other?.kind === "snapshot")
      if (first?.kind !== "snapshot" || other?.kind !== "snapshot") return
      assert.deepStrictEqual({ ...other.campaign, origin: 0 }, { ...first.campaign, origin: 0 })
      assert.isBelow(Math.abs(other.campaign.origin - first.campaign.origin), 5_000)
      assert.deepStrictEqual([first.state.lateMillis, other.state.lateMillis], [0, 2000])

      runs.child.kill("SIGKILL")
      yield* within.ended
      yield* outside.until(isRun("stored"))
      yield* Effect.promise(() =>
        fetch(`${url}/admin/config`, { method: "POST", body: JSON.stringify({ "inter-token-latency": 0 }) })
      )
      const goesOn = yield* run(["resume", "--db", "c.db", "--ui", "none"], { directory })
      assert.strictEqual(goesOn.code, 0, goesOn.stderr)
      yield* outside.until(isRun("ended"))
      const battle = yield* Effect.promise(() => fetch(`${told.url}api/battles/0`).then((answer) => answer.json()))
      assert.deepStrictEqual(
        (battle as { attempts: ReadonlyArray<{ verdict: string }> }).attempts.map(({ verdict }) => verdict),
        ["abandoned", "completed"]
      )

      const toldAt = performance.now()
      beside.child.kill("SIGINT")
      assert.strictEqual(yield* beside.exit, 130)
      assert.isBelow(performance.now() - toldAt, 5_000)
      assert.strictEqual(beside.stderr(), "")
    }))

  it.live("is refused in one line where there is none, or no place for it", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      const environment = { CAMPAIGN_DASHBOARD_TOKEN: "two words" }
      const [missing, taken, unsayable] = yield* Effect.all([
        run(["dashboard", "--db", "none.db"], { directory }),
        run(["run", "--db", "new.db", "--web-host", "192.0.2.1"], { directory }),
        run(["run", "--db", "new.db", "--web-port", "0"], { directory, environment })
      ], { concurrency: 2 })
      assert.deepStrictEqual([missing.code, taken.code, unsayable.code], [1, 1, 2])
      assert.match(unsayable.stderr, /CAMPAIGN_DASHBOARD_TOKEN holds a space/)
      for (const { stderr } of [missing, taken, unsayable]) assert.lengthOf(stderr.trimEnd().split("\n"), 1, stderr)
      assert.match(missing.stderr, /none\.db/)
      assert.match(taken.stderr, /192\.0\.2\.1 is not an address of this machine; use --web-host 127\.0\.0\.1/)
    }))
})
