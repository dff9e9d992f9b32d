/**
 * Property 24: with a hang at one hop the one error that reaches the runner names that hop, whichever it is, whatever is
 * known of the engine, and in whatever order ticks and frames come. A chain that is well is ended by nobody.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import { defaults, type LivenessLimits } from "../../src/liveness/LivenessLimits.ts"
import { runs } from "../support/propertyRuns.ts"
import { type Chain, type Evidence, play, STEP, type Stretch } from "./threeHops.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/**
 * In seconds. Whatever is drawn, each hop leaves the one further in room for what it needs to tell its verdict: two ticks,
 * the proof of a cancellation, the quiet after a pause, the way over the wire.
 */
const Limits = Schema.Struct({
  suspect: between(1, 4),
  frozen: between(5, 12),
  silent: between(6, 20),
  firstToken: between(6, 20),
  headers: between(6, 20),
  heartbeat: between(1, 3),
  heartbeatSlack: between(3, 6),
  nestedSlack: between(5, 8),
  cancelProof: between(0, 2)
})

const limitsOf = (seconds: typeof Limits.Type): LivenessLimits => ({
  ...defaults,
  localPauseMillis: 2000,
  suspectFloorMillis: seconds.suspect * 1000,
  suspectPriorMillis: seconds.suspect * 1000,
  suspectCeilingMillis: 2000 * seconds.suspect,
  frozenFloorMillis: seconds.frozen * 1000,
  frozenCeilingMillis: seconds.frozen * 1000,
  frozenEmptyMillis: seconds.frozen * 1000,
  silentFloorMillis: seconds.silent * 1000,
  silentCeilingMillis: seconds.silent * 1000,
  firstTokenFloorMillis: seconds.firstToken * 1000,
  firstTokenCeilingMillis: seconds.firstToken * 1000,
  headersMillis: seconds.headers * 1000,
  evidenceFreshMillis: 5000,
  heartbeatMillis: seconds.heartbeat * 1000,
  heartbeatSlackMillis: seconds.heartbeatSlack * 1000,
  nestedSlackMillis: seconds.nestedSlack * 1000,
  cancelProofMillis: seconds.cancelProof * 1000
})

const Chains = Schema.Struct({
  limits: Limits,
  bound: Schema.Boolean,
  accepted: Schema.Boolean,
  announces: Schema.Boolean,
  /** Steps of silence somebody vouches for, then of another kind, then a token. */
  stretches: Schema.Array(Schema.Tuple([
    Schema.Union([between(0, 4), between(0, 60)]),
    Schema.Literals(["moving", "failed", "frozen"]),
    between(0, 40)
  ])).check(Schema.isMaxLength(3)),
  /** Whether the fault comes in the last silence, before its token. */
  amid: Schema.Boolean,
  delays: Schema.Tuple([between(0, 1), between(0, 1)]),
  phases: Schema.Tuple([between(0, 1), between(0, 1), between(0, 1)]),
  pause: Schema.NullOr(Schema.Struct({ at: between(0, 40), steps: between(12, 200) })),
  seed: between(0, 1_000_000)
})
type Chains = typeof Chains.Type

/** Stretches as long as they may be without a verdict of anybody. */
const healthy = ({ accepted, bound, limits, stretches }: Chains): ReadonlyArray<Stretch> => {
  const steps = (seconds: number) => Math.max(0, seconds * 1000 / STEP - 4)
  const all: Array<Stretch> = []
  for (const [index, [vouched, evidence, more]] of stretches.entries()) {
    const silent = steps(
      index > 0 ? limits.silent : accepted ? limits.firstToken : Math.min(limits.firstToken, limits.headers)
    )
    if (!bound) {
      all.push({ steps: Math.min(vouched, silent), evidence: "moving", token: true })
      continue
    }
    const longest: Record<Evidence, number> = {
      moving: more,
      refused: 0,
      // A frozen engine is condemned at the scrape that shows it.
      frozen: steps(limits.frozen) - 4,
      failed: accepted || index > 0 ? silent : 0
    }
    all.push({ steps: vouched, evidence: "moving", token: false })
    all.push({ steps: Math.max(0, Math.min(more, longest[evidence])), evidence, token: true })
  }
  return all
}

const chainOf = (made: Chains, fault: Chain["fault"]): Chain => ({
  ...made,
  limits: limitsOf(made.limits),
  stretches: healthy(made).map((stretch, index, all) =>
    fault !== undefined && made.amid && index === all.length - 1 ? { ...stretch, token: false } : stretch
  ),
  fault,
  pause: made.pause ?? undefined
})

const Faults = Schema.Union([
  Schema.Struct({ hop: Schema.Literal("engine"), evidence: Schema.Literals(["frozen", "failed", "refused"]) }),
  Schema.Struct({ hop: Schema.Literals(["purple", "green"]), beats: Schema.Boolean })
])

describe("property 24", () => {
  it.effect.prop(
    "a hang at a hop is found, and its error names that hop",
    [Chains, Faults],
    ([made, fault]) =>
      Effect.gen(function*() {
        const { exit } = yield* play(chainOf(made, fault))
        if (exit === undefined) return assert.fail("not found")
        assert.isTrue(Exit.isFailure(exit))
        const reasons = Exit.isFailure(exit) ? exit.cause.reasons : []
        assert.deepStrictEqual(reasons.map(({ _tag }) => _tag), ["Fail"])
        const error = reasons[0]?._tag === "Fail" ? reasons[0].error : undefined
        assert.strictEqual(error?.hop, fault.hop, error?.message)
      }),
    runs
  )

  it.effect.prop(
    "a chain that is well is ended by nobody, however long it is silent",
    [Chains],
    ([made]) =>
      Effect.gen(function*() {
        const chain = chainOf(made, undefined)
        const { exit, tokens } = yield* play(chain)
        assert.deepStrictEqual(exit, Exit.void)
        assert.strictEqual(tokens, chain.stretches.filter(({ token }) => token).length)
      }),
    runs
  )
})
