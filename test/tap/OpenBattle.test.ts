/** What a runner is told of a battle, with a clock of its own and calls that do what the test says. */
import { assert, describe, it } from "@effect/vitest"
import { Failed } from "../../src/liveness/Failed.ts"
import { CallFeed } from "../../src/tap/CallFeed.ts"
import { OpenBattle } from "../../src/tap/OpenBattle.ts"
import { OpenBattles } from "../../src/tap/OpenBattles.ts"
import { TapCall } from "../../src/tap/TapCall.ts"

const plan = {
  api: "chat",
  model: "m",
  maxTokens: null,
  promptCharacters: null,
  choices: 1,
  wantsStream: true,
  mentions: () => false,
  streamed: undefined
} as const

/** A battle whose runner takes events while `world.room` is true. */
const open = (battle = "b", agent = "a", trace?: string, prompt: ReadonlyArray<string> = []) => {
  const world = { at: 0, room: true, ended: 0, events: [] as Array<any> }
  const opened = new OpenBattle({
    name: { battle, agent, attempt: 1, patience: 1, trace, prompt },
    sink: {
      write: (event) => {
        world.events.push(JSON.parse(event.replace("data: ", "")))
        return world.room
      },
      end: () => world.ended++
    },
    now: () => world.at,
    heartbeatMillis: 100
  })
  const call = (number: number) => {
    const closed: Array<string> = []
    const made = new TapCall({
      name: { call: number, path: "/v1/chat/completions", model: "m", battle, why: null, mode: "stream" },
      plan,
      feed: new CallFeed({ add: () => {} }),
      battle: opened,
      beganAt: world.at
    })
    made.close = ({ error }, end) => closed.push(`${error.code} ${end}`)
    opened.began(made)
    return { made, closed }
  }
  return { world, battle: opened, call }
}

describe("OpenBattle", () => {
  it("tells tokens as they come, and joins what waits for a runner who does not read", () => {
    const { battle, world } = open()
    battle.received(2, "content")
    world.room = false
    battle.received(1, "reasoning")
    battle.received(3, "content")
    battle.received(4, "reasoning")
    battle.received(5, "content")
    battle.tick()
    assert.deepStrictEqual(world.events.map(({ channel, tokens }) => `${channel} ${tokens}`), [
      "content 2",
      "reasoning 1"
    ])
    world.room = true
    battle.onRoom()
    assert.deepStrictEqual(world.events.slice(2), [
      { _tag: "Delta", channel: "reasoning", text: "", tokens: 4 },
      { _tag: "Delta", channel: "content", text: "", tokens: 8 }
    ])
    assert.strictEqual(battle.tokens, 15)
  })

  it("beats after so much silence, of the call that has been silent longest", () => {
    const { battle, call, world } = open()
    const first = call(1)
    world.at = 50
    const second = call(2)
    first.made.phase = "thinking"
    first.made.engine = "frozen"
    second.made.phase = "decoding"
    world.at = 90
    second.made.received(world.at)
    battle.received(1, "content")
    world.at = 189
    battle.tick()
    assert.lengthOf(world.events, 1)
    world.at = 190
    battle.tick()
    battle.tick()
    assert.deepStrictEqual(world.events.slice(1), [{
      _tag: "Heartbeat",
      phase: "thinking",
      tokens: 1,
      tokenAgeMillis: 190,
      engine: "frozen",
      intervalMillis: 100
    }])
    battle.ended(first.made)
    battle.beat()
    assert.deepInclude(world.events.at(-1), { phase: "decoding", tokenAgeMillis: 100, engine: "unknown" })
    battle.ended(second.made)
    world.at = 220
    battle.beat()
    assert.deepInclude(world.events.at(-1), { phase: "agent-work", tokenAgeMillis: 30, engine: "unknown" })
  })

  it("ends once: the runner is told, then the call that was given up, then the others", () => {
    const { battle, call, world } = open()
    const first = call(1)
    const second = call(2)
    const order: Array<string> = []
    const error = new Failed({ hop: "engine", reason: { _tag: "Truncated" }, tokens: 0 })
    world.room = false
    battle.received(1, "content")
    battle.received(7, "content")
    battle.fail(error, () => order.push(`${world.events.length} ${second.closed.length}`))
    assert.deepInclude(world.events.at(-1), { _tag: "Ended", state: "failed", text: error.message })
    assert.deepStrictEqual(order, ["2 0"])
    assert.deepStrictEqual([first.closed, second.closed], [["battle_closed battle-closed"], [
      "battle_closed battle-closed"
    ]])
    battle.cancel("again")
    battle.received(1, "content")
    battle.beat()
    battle.onRoom()
    assert.lengthOf(world.events, 2)
    assert.strictEqual(world.ended, 1)
    assert.isTrue(battle.isOver)
  })
})

describe("OpenBattles", () => {
  const hint = { battle: undefined, agent: undefined, trace: undefined }
  const trace = "4bf92f3577b34da6a3ce929d0e0e4736"

  const never = () => false

  it("tells the battles of an agent by what it was asked", () => {
    const battles = new OpenBattles()
    const of = (text: string) => {
      const { battle, why } = battles.attribute({ ...hint, agent: "red" }, (part) => text.includes(part))
      return battle?.name.battle ?? why
    }
    const one = open("one", "red", undefined, ["Count", "to ten."]).battle
    const again = open("again", "red", undefined, ["Count to twenty."]).battle
    const untold = open("untold", "red").battle
    const other = open("other", "blue", undefined, ["Count"]).battle
    for (const battle of [one, again, untold, other]) battles.add(battle)
    assert.strictEqual(of("You are helpful. Count to ten."), "one")
    assert.strictEqual(of("Count to twenty."), "again")
    // What nobody was asked may be of anybody of that agent.
    assert.strictEqual(of("Sum it up."), "shared")
    assert.deepStrictEqual([one.shared, again.shared, untold.shared, other.shared], [1, 1, 1, 0])
    // What two were asked is of one of the two.
    assert.strictEqual(of("Count to ten. Count to twenty."), "shared")
    assert.deepStrictEqual([one.shared, again.shared, untold.shared, other.shared], [2, 2, 1, 0])
    battles.remove(again)
    battles.remove(untold)
    assert.strictEqual(of("Sum it up."), "one")
  })

  it("gives a request to the battle that it names, or may be of", () => {
    const battles = new OpenBattles()
    assert.deepStrictEqual(battles.attribute(hint, never), { battle: undefined, why: "no battle" })
    const one = open("one", "red").battle
    battles.add(one)
    assert.strictEqual(battles.attribute(hint, never).battle, one)
    assert.deepStrictEqual(battles.attribute({ ...hint, battle: "two" }, never), { battle: undefined, why: "not open" })
    assert.deepStrictEqual(battles.attribute({ ...hint, agent: "blue" }, never), { battle: undefined, why: "not open" })
    assert.strictEqual(battles.attribute({ ...hint, trace }, never).battle, one)
    const two = open("two", "red", trace).battle
    battles.add(two)
    assert.strictEqual(battles.attribute({ ...hint, trace }, never).battle, two)
    assert.strictEqual(battles.attribute({ ...hint, trace, battle: "one" }, never).battle, one)
    assert.deepStrictEqual(battles.attribute({ ...hint, agent: "red" }, never), { battle: undefined, why: "shared" })
    assert.deepStrictEqual([one.shared, two.shared], [1, 1])
  })

  it("takes out a battle, but not the one that has come in its place", () => {
    const battles = new OpenBattles()
    const before = open().battle
    const after = open().battle
    battles.add(before)
    battles.add(after)
    battles.remove(before)
    assert.strictEqual(battles.get("b"), after)
    battles.remove(after)
    assert.deepStrictEqual(battles.all(), [])
  })
})
