/** The policy as a value: what it refuses, that it is the same after JSON, and that it is taken from the context. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Hash from "effect/Hash"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { Canary } from "../../src/liveness/Canary.ts"
import { EngineEvidence } from "../../src/liveness/EngineEvidence.ts"
import { EngineGate } from "../../src/liveness/EngineGate.ts"
import { Failed } from "../../src/liveness/Failed.ts"
import { defaults as defaultLimits, LivenessLimits, settingKeys } from "../../src/liveness/LivenessLimits.ts"
import * as LivenessPolicy from "../../src/liveness/LivenessPolicy.ts"
import * as LivenessWatch from "../../src/liveness/LivenessWatch.ts"
import { schedule } from "../../src/liveness/RetryPolicy.ts"
import { Ticker } from "../../src/liveness/Ticker.ts"
import { inputsOf, run, start, token } from "./watching.ts"

const { layer, make } = LivenessPolicy
const messageOf = (input: unknown) => Effect.runSync(Effect.flip(LivenessPolicy.decode(input))).message

/** A policy with those of the drawn settings that go together. */
const Drawn = Schema.Struct({
  limits: LivenessLimits,
  keys: Schema.Array(Schema.Literals(settingKeys)).check(Schema.isMaxLength(5)),
  stallPolicy: LivenessPolicy.StallPolicy,
  attempts: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 9 })),
  capped: Schema.Boolean
})
const policyOf = ({ attempts, capped, keys, limits, stallPolicy }: typeof Drawn.Type) => {
  const others = { stallPolicy, retry: { attempts }, hardCapMillis: capped ? 9_000_000_000 : null }
  const first = Effect.runSync(Effect.exit(make(others)))
  let policy = Exit.isSuccess(first) ? first.value : LivenessPolicy.defaults
  for (const key of keys) {
    const next = Effect.runSync(Effect.exit(make({ ...policy, limits: { ...policy.limits, [key]: limits[key] } })))
    if (Exit.isSuccess(next)) policy = next.value
  }
  return policy
}

describe("a liveness policy", () => {
  it.prop("is the same after JSON, prints the same, and differs in nothing", [Drawn], ([drawn]) => {
    const policy = policyOf(drawn)
    const text = JSON.stringify(LivenessPolicy.encode(policy))
    const read = Effect.runSync(LivenessPolicy.decode(JSON.parse(text)))
    assert.isTrue(Equal.equals(read, policy), text)
    assert.strictEqual(Hash.hash(read), Hash.hash(policy))
    assert.strictEqual(LivenessPolicy.print(read), LivenessPolicy.print(policy))
    assert.strictEqual(String(read), String(policy))
    assert.deepStrictEqual(LivenessPolicy.diff(read, policy), [])
  }, { arbitrary: { runs: 100 } })

  it.prop("differs in something exactly from what is not equal to it", [Drawn, Drawn], ([one, other]) => {
    const [a, b] = [policyOf(one), policyOf(other)]
    const differences = LivenessPolicy.diff(a, b)
    assert.strictEqual(differences.length === 0, Equal.equals(a, b))
    assert.deepStrictEqual(LivenessPolicy.diff(b, a).map(({ path }) => path), differences.map(({ path }) => path))
  }, { arbitrary: { runs: 100 } })

  it("has every setting once in its description, with its place in what is encoded", () => {
    const paths = LivenessPolicy.describe(LivenessPolicy.defaults).map(({ path }) => path)
    const encoded = Object.entries(LivenessPolicy.encode(LivenessPolicy.defaults)).flatMap(([key, value]) =>
      typeof value === "object" && value !== null ? Object.keys(value).map((inner) => `${key}.${inner}`) : [key]
    )
    assert.deepStrictEqual(paths.toSorted(), encoded.toSorted())
  })

  it.effect("is printed in the words of the command, with its differences marked and their origins", () =>
    Effect.gen(function*() {
      const policy = yield* make({ limits: { frozenFloorMillis: 90_000 }, stallPolicy: "warn" })
      const printed = LivenessPolicy.print(policy, { origins: new Map([["stallPolicy", "service.json"]]) })
      assert.match(printed, /^\* frozen-floor +90 s \(default 60 s\)$/m)
      assert.match(printed, /^\* stall-policy +warn \(default enforce, service\.json\)$/m)
      assert.match(printed, /^ {2}frozen-ceiling +5 min$/m)
      assert.strictEqual(printed.match(/^\*/gm)?.length, 2)
      assert.match(
        LivenessPolicy.print(policy, { meanings: true }),
        /90 s .*\n {6}An engine whose counters stand still/
      )
      assert.strictEqual(String(policy), "LivenessPolicy(stall-policy=warn, frozen-floor=90 s)")
      assert.strictEqual(String(LivenessPolicy.defaults), "LivenessPolicy(defaults)")
    }))

  it.effect("has a word for the silence of those about whom nothing is known", () =>
    Effect.gen(function*() {
      const { limits } = yield* make({ stallLimitMillis: 300_000, limits: { headersMillis: 400_000 } })
      const { firstTokenCeilingMillis, headersMillis, silentFloorMillis } = limits
      assert.deepStrictEqual([firstTokenCeilingMillis, headersMillis, silentFloorMillis], [300_000, 400_000, 300_000])
      for (const wrong of [0, -1, Number.NaN, Infinity]) {
        assert.match(
          (yield* Effect.flip(make({ stallLimitMillis: wrong }))).message,
          /stallLimitMillis: expected a number of milliseconds above 0, got /
        )
      }
    }))

  it("refuses what is unknown or no value, in one line that says what is right", () => {
    const cases: ReadonlyArray<readonly [unknown, RegExp]> = [
      [
        { limits: { frozenFlorMillis: 3 } },
        /no setting limits\.frozenFlorMillis; did you mean limits\.frozenFloorMillis\?/
      ],
      [{ limts: {} }, /no setting limts; did you mean limits\?/],
      [{ stallLimitMillis: 3 }, /no setting stallLimitMillis/],
      [{ limits: { tickMillis: "1 s" } }, /limits\.tickMillis: expected number, got "1 s"/],
      [{ limits: { tickMillis: 5 } }, /limits\.tickMillis: expected a value between 10 and 31536000000, got 5/],
      [
        { limits: { lostScrapes: 1.5 }, stallPolicy: "kill" },
        /lostScrapes: .*integer, got 1\.5; .*"enforce", got "kill"/
      ],
      [{ retry: { attempts: 0 } }, /retry\.attempts: expected a value between 1 and 1000000, got 0/],
      ["fast", /expected object, got "fast"/],
      [null, /expected object, got null/]
    ]
    for (const [input, expected] of cases) {
      assert.match(messageOf(input), expected)
      assert.notInclude(messageOf(input), "\n")
      assert.match(messageOf(input), /^the liveness policy is refused: /)
    }
  })

  it("refuses what does not go together, and names both", () => {
    assert.match(messageOf({ limits: { frozenFloorMillis: 400_000 } }), /frozen-floor .* is above frozen-ceiling /)
    assert.match(messageOf({ hardCapMillis: 60_000 }), /hard-cap \(60 s\) must be longer than .* first-token-ceiling/)
    assert.match(messageOf({ hardCapMillis: 9e9, stallPolicy: "warn" }), /hard-cap needs stall-policy enforce/)
    assert.match(
      messageOf({ gate: { canaryFirstMillis: 500_000 } }),
      /canary-first \(8 min 20 s\) .* canary-most \(2 min\)/
    )
    assert.throws(() => LivenessPolicy.makeUnsafe({ limits: { frozenFloorMillis: 400_000 } }), /frozen-ceiling/)
    const { encode, LivenessPolicy: Policy } = LivenessPolicy
    const all = encode(LivenessPolicy.defaults)
    const both = { ...all, limits: { ...defaultLimits, frozenFloorMillis: 400_000 } }
    assert.isTrue(Exit.isFailure(Schema.decodeUnknownExit(Policy)(both)))
    assert.isTrue(Exit.isSuccess(Schema.decodeUnknownExit(Policy)(all)))
  })
})

describe("the policy in force", () => {
  const watch = LivenessWatch.watch({ run, inputsOf })
  const silent = Stream.concat(Stream.make(token), Stream.never)
  const services = Layer.merge(EngineEvidence.layerNone, Ticker.layer())

  const endAfter = (seconds: number) =>
    Effect.gen(function*() {
      const watched = yield* start(silent, { limits: undefined })
      yield* TestClock.adjust(`${seconds} seconds`)
      return watched.exit()
    }).pipe(Effect.provide(services, { local: true }))

  it.effect("decides for every watch that is not told otherwise", () =>
    Effect.gen(function*() {
      const patient = LivenessPolicy.makeUnsafe({ stallLimitMillis: 20_000 })
      assert.isUndefined(yield* endAfter(60))
      const short = yield* endAfter(60).pipe(Effect.provideService(LivenessPolicy.CurrentPolicy, patient))
      assert.isTrue(short !== undefined && Exit.isFailure(short))
      for (const stallPolicy of ["warn", "off"] as const) {
        const told = LivenessPolicy.makeUnsafe({ stallLimitMillis: 20_000, stallPolicy })
        assert.isUndefined(yield* endAfter(60).pipe(Effect.provideService(LivenessPolicy.CurrentPolicy, told)))
      }
    }))

  it.effect("caps a run", () =>
    Effect.gen(function*() {
      const alive = Stream.fromEffectRepeat(Effect.as(Effect.sleep("1 second"), token))
      const fiber = yield* Effect.forkChild(
        alive.pipe(watch, Stream.runDrain, Effect.flip, Effect.provide(services, { local: true })),
        { startImmediately: true }
      )
      yield* TestClock.adjust("11 minutes")
      const error = yield* Fiber.join(fiber)
      assert.strictEqual(error._tag === "Slow" ? error.limit.millis : error, 600_000)
    }).pipe(Effect.provide(layer({ hardCapMillis: 600_000, stallLimitMillis: 60_000 }))))

  it.effect("is what retries and gates go by", () =>
    Effect.gen(function*() {
      let attempts = 0
      const failing = Effect.suspend(() => {
        attempts++
        return Effect.fail(Failed.fromStatus(500, "no"))
      })
      const fiber = yield* Effect.forkChild(Effect.exit(Effect.retry(failing, schedule())), { startImmediately: true })
      yield* TestClock.adjust("1 hour")
      assert.isDefined(fiber.pollUnsafe())
      assert.strictEqual(attempts, 5)
      const gate = yield* EngineGate
      yield* gate.doubt("http://engine")
      yield* TestClock.adjust("1 second")
      const { nextCanaryAtMillis, sinceMillis } = yield* gate.state("http://engine")
      assert.strictEqual(Math.round((nextCanaryAtMillis ?? 0) - sinceMillis), 7000)
    }).pipe(
      Effect.provide(
        EngineGate.layer().pipe(
          Layer.provide(Canary.layerTest(() => Effect.succeed({ _tag: "Failed", why: "not yet" }))),
          Layer.provideMerge(layer({ retry: { attempts: 5 }, gate: { canaryFirstMillis: 7000 } }))
        )
      )
    ))
})
