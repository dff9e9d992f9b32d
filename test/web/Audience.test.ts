// Pages that cannot follow are given less, and never hold anything up.
import { assert, describe, it } from "@effect/vitest"
import { EventEmitter } from "node:events"
import type { ServerResponse } from "node:http"
import { Audience } from "../../src/web/Audience.ts"
import * as DashboardHistory from "../../src/web/DashboardHistory.ts"
import type { Frame } from "../../src/web/Frame.ts"
import { began, definitionOf } from "../terminal/campaigns.ts"

/** A response whose reader is under the test's control. */
class FakeResponse extends EventEmitter {
  destroyed = false
  ended = false
  reads = true
  readonly written: Array<string> = []
  writeHead(): void {}
  write(text: string): boolean {
    this.written.push(text)
    return this.reads
  }
  end(): void {
    this.ended = true
    this.emit("close")
  }
  destroy(): void {
    this.destroyed = true
    this.emit("close")
  }
  get frames(): ReadonlyArray<Frame> {
    return this.written.flatMap((text) =>
      [...text.matchAll(/^data: (.*)$/gm)].map(([, json]) => JSON.parse(json!) as Frame)
    )
  }
  get kinds(): string {
    return this.frames.map((frame) => frame.kind === "beat" ? "beat" : `${frame.kind} ${frame.sequence}`).join(", ")
  }
}

const battle = { task: "x", agent: "agent", repetition: 1 }

const makeAudience = () => {
  const clock = { now: 0 }
  const audience = new Audience({ elapsed: () => clock.now, name: "a", headers: {} })
  const join = (lastEventId?: string) => {
    const response = new FakeResponse()
    audience.join(response as unknown as ServerResponse, lastEventId)
    return response
  }
  let tokens = 0
  const token = () =>
    audience.tell({
      _tag: "TokensArrived",
      atMillis: clock.now,
      battle,
      phase: "decoding",
      tokens: ++tokens,
      arrived: 1
    })
  const tick = () => {
    clock.now += 200
    audience.tick()
  }
  const begin = (atMillis = clock.now) => {
    audience.begin({
      file: "f",
      origin: 0,
      lateMillis: 0,
      laneOfEndpoint: () => undefined,
      history: DashboardHistory.none
    }, atMillis)
    audience.tell({ ...began(definitionOf(["x"])), atMillis: clock.now })
    audience.tell({ _tag: "AttemptBegan", atMillis, battle, number: 1 })
  }
  return { audience, begin, clock, join, tick, token }
}

describe("Audience", () => {
  it("gives a page that comes a snapshot of that moment, and then what changes", () => {
    const { begin, join, tick, token } = makeAudience()
    begin()
    token()
    const one = join()
    const [snapshot] = one.frames
    assert.isTrue(snapshot?.kind === "snapshot" && snapshot.rows[0]?.tokens === 1)
    token()
    const other = join()
    const [, change] = one.frames
    assert.isTrue(change?.kind === "changes" && change.moved?.[0]?.tokens === 2)
    const [later] = other.frames
    assert.isTrue(later?.kind === "snapshot" && later.rows[0]?.tokens === 2)
    assert.strictEqual(other.kinds.replace("snapshot", "changes"), one.kinds.split(", ")[1])
    token()
    tick()
    assert.strictEqual(one.written.at(-1), other.written.at(-1))
    assert.strictEqual(one.kinds.match(/snapshot/g)?.length, 1)
  })

  it("gives one that has lost its connection only what it has missed", () => {
    const { begin, join, tick, token } = makeAudience()
    begin()
    const stays = join()
    const leaves = join()
    token()
    tick()
    const seen = /id: (\S+)/.exec(leaves.written.at(-1)!)![1]
    leaves.destroy()
    for (let index = 0; index < 3; index++) {
      token()
      tick()
    }
    const back = join(seen)
    assert.deepStrictEqual(back.frames.slice(0, 3), stays.frames.slice(-3))
    assert.notInclude(back.kinds, "snapshot")
    back.destroy()
    const missedNothing = join(/id: (\S+)/.exec(stays.written.at(-1)!)![1])
    assert.strictEqual(missedNothing.kinds, "beat", "a page takes its connection for lost until something comes")
    missedNothing.destroy()
    // With nobody there nothing was kept.
    for (const page of [stays, back]) page.destroy()
    token()
    assert.match(join(seen).kinds, /^snapshot/)
  })

  it("never writes to a page that does not read, and gives it a snapshot when it does again", () => {
    const { audience, begin, join, tick, token } = makeAudience()
    begin()
    const page = join()
    const well = join()
    page.reads = false
    token()
    tick()
    const waiting = page.written.length
    for (let index = 0; index < 50; index++) {
      token()
      tick()
    }
    assert.strictEqual(page.written.length, waiting)
    assert.strictEqual(well.frames.filter(({ kind }) => kind === "changes").length, 51)
    begin()
    assert.strictEqual(page.written.length, waiting)
    page.reads = true
    page.emit("drain")
    tick()
    const frame = page.frames.at(-1)
    assert.isTrue(frame?.kind === "snapshot" && frame.rows[0]?.tokens === 0)
    assert.isFalse(audience.isFull)
  })

  it("closes one that has not read for a minute", () => {
    const { begin, join, tick, token } = makeAudience()
    begin()
    const page = join()
    page.reads = false
    token()
    for (let index = 0; index < 299; index++) tick()
    assert.isFalse(page.destroyed)
    for (let index = 0; index < 5; index++) tick()
    assert.isTrue(page.destroyed)
  })

  it("says now and then that it is there, and nothing while nobody looks", () => {
    const { begin, clock, join, tick } = makeAudience()
    const page = join()
    begin()
    for (let index = 0; index < 60; index++) tick()
    assert.match(page.kinds, /^snapshot \d+(, changes \d+)?, beat, beat$/)
    const beat = page.frames.at(-1)!
    assert.isAtMost(clock.now - beat.atMillis, 2_000)
    page.destroy()
    const before = page.written.length
    for (let index = 0; index < 60; index++) tick()
    assert.strictEqual(page.written.length, before)
  })

  it("goes by the time that it was told, also where all is shown later than it happened", () => {
    const { audience, begin, clock, tick, token } = makeAudience()
    begin(-1_500)
    assert.strictEqual(audience.now, -1_500)
    tick()
    assert.strictEqual(audience.now, -1_300)
    // What happened cannot be later than now.
    token()
    assert.strictEqual(audience.now, clock.now)
  })

  it("shows another run to the pages that are there, and the last of it before it ends", () => {
    const { audience, begin, join, tick, token } = makeAudience()
    begin()
    const page = join()
    token()
    tick()
    begin()
    audience.tell({ _tag: "CampaignEnded", atMillis: 900, end: { _tag: "Ended" } })
    tick()
    assert.match(page.kinds, /^snapshot (\d+), changes \d+, snapshot (\d+)$/)
    const numbers = page.frames.flatMap((frame) => frame.kind === "beat" ? [] : [frame.sequence])
    assert.deepStrictEqual(numbers, numbers.toSorted((a, b) => a - b))
    const stored = page.frames.at(-1)
    assert.isTrue(stored?.kind === "snapshot" && stored.state.run === "ended", "it was never said to run")
    begin()
    tick()
    audience.tell({ _tag: "CampaignEnded", atMillis: 1_900, end: { _tag: "Ended" } })
    audience.end()
    const last = page.frames.at(-1)
    assert.isTrue(last?.kind === "changes" && last.state?.run === "ended" && page.ended)
  })
})
