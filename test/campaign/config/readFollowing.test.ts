/** What is asked for on the command line instead of what a file says of how agents are followed. */
import { assert, describe, it } from "@effect/vitest"
import type { AgentDefinition } from "../../../src/campaign/AgentDefinition.ts"
import { type AgentFollowing, asItCan, TapAddress, tapOf, textOfTap } from "../../../src/campaign/AgentFollowing.ts"
import { askedOf } from "../../../src/campaign/config/readFollowing.ts"
import { runs } from "../../support/propertyRuns.ts"

const agentAt = (following: AgentFollowing, engine: string | null = null): AgentDefinition => ({
  name: "theirs",
  engine,
  concurrency: null,
  kind: { _tag: "Agent", address: { url: "http://theirs/", tokenVariable: null, command: null } },
  following
})
const model: AgentDefinition = {
  name: "ours",
  engine: "gpu",
  concurrency: null,
  kind: { _tag: "Model", model: null, maxTokens: 10 },
  following: asItCan
}
const running = TapAddress.cases.Running.make({ url: "http://tap:1" })
const own = TapAddress.cases.Own.make({ host: "127.0.0.1", port: 8100 })
const given = <A>(value: A) => ({ value, origin: "--flag" })
const one = (before: AgentFollowing, asked: Parameters<typeof askedOf>[1], engine: string | null = null) => {
  const { agents, refusal } = askedOf([agentAt(before, engine), model], asked)
  assert.deepStrictEqual(agents[1], model)
  return refusal ?? agents[0]!.following
}

describe("how agents are followed, as asked for", () => {
  it("is what their file says where nothing is", () => {
    const before = { mode: "tap", tap: running } as const
    assert.deepStrictEqual(one(before, {}), before)
    assert.deepStrictEqual(askedOf([model], {}), { agents: [model], refusal: undefined })
  })

  it("wins over the file, and leaves a tap unused that the mode has no use for", () => {
    const before = { mode: null, tap: running } as const
    assert.deepStrictEqual(one(before, { mode: given("poll") }), { mode: "poll", tap: null })
    assert.deepStrictEqual(one(before, { mode: given("tap") }), { mode: "tap", tap: running })
    assert.deepStrictEqual(one({ mode: "blocking", tap: null }, { tap: given(running) }), { mode: null, tap: running })
    assert.deepStrictEqual(one({ mode: "tap", tap: running }, { tap: given(own) }, "gpu"), { mode: "tap", tap: own })
  })

  it("is refused where it cannot be, with the agent's name", () => {
    assert.strictEqual(
      one(asItCan, { mode: given("tap") }),
      "agent \"theirs\": mode \"tap\" needs a tap; name one by tap"
    )
    assert.match(
      String(one(asItCan, { tap: given(own) })),
      /^agent "theirs": a tap of its own passes on to the agent's/
    )
    assert.match(
      String(one(asItCan, { mode: given("poll"), tap: given(running) })),
      /a tap is of no use in mode "poll"/
    )
    assert.strictEqual(
      askedOf([model], { mode: given("poll") }).refusal,
      "there is no agent at an address; models of an engine tell every token"
    )
  })

  it.prop("has taps that are read as they are written", [TapAddress], ([tap]) => {
    const read = tapOf(textOfTap(tap))
    // A free port is only found on this machine, and hosts and addresses are read in one spelling.
    if (read._tag === "Success") assert.deepStrictEqual(tapOf(textOfTap(read.success)), read)
  }, runs)

  it("has hosts of either family", () => {
    for (const text of ["127.0.0.1:8100", "localhost:1", "[::1]:65535", "http://tap:8100", "https://tap", "auto"]) {
      const read = tapOf(text)
      assert.strictEqual(read._tag === "Success" ? textOfTap(read.success) : "", text)
    }
  })
})
