/** The page in a real browser: what happens live, without a server for a while, with hostile text, keys and a phone. */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Page } from "playwright-core"
import type { AttemptPage, BattlePage, Piece } from "../../src/web/BattlePage.ts"
import type { Campaign, Moved } from "../../src/web/Frame.ts"
import * as Browser from "../support/browser.ts"
import {
  campaignOf,
  cellsOf,
  changesOf,
  endedOf,
  rowOf,
  snapshotOf,
  stall,
  steadyMarks,
  totalsOf
} from "./pageFrames.ts"
import { scriptedDashboard } from "./scriptedDashboard.ts"

/** A campaign of which three battles are in flight, one of them quiet for 41 s. */
const running = (campaign: Campaign) =>
  snapshotOf(campaign, {
    totals: totalsOf({ passed: 4, pending: campaign.tasks.length * campaign.agents.length - 4, active: 3 }),
    rows: [
      rowOf(campaign, 0, { tokens: 20, lastTokenAtMillis: 59_900, marks: steadyMarks(59_900, 100, 100, 3) }),
      rowOf(campaign, 1, {
        tokens: 41,
        lastTokenAtMillis: 19_000,
        limit: { name: "silent", millis: 130_000, words: "2 min 10 s, learned", sinceMillis: 19_000 },
        engine: { word: "stepping", by: "metrics" }
      }),
      rowOf(campaign, 2, { phase: "thinking", lastTokenAtMillis: 59_900 })
    ],
    ended: [endedOf(campaign, 4)]
  })

const attemptOf = (attempt: Partial<AttemptPage>): AttemptPage => ({
  attempt: 1,
  verdict: "completed",
  phase: null,
  startedAt: 1_790_000_000_000,
  durationMillis: 36_900,
  tokens: 51,
  tokenBasis: "deltas",
  promptTokens: 87,
  finishReason: "stop",
  timeToFirstTokenMillis: 400,
  tokensPerSecond: 9.8,
  mode: "stream",
  counted: true,
  superseded: false,
  charged: true,
  grading: null,
  engine: null,
  error: null,
  stall: null,
  timeline: [[400, 1], [500, 10], [5_500, 40]],
  reasoning: pieceOf("Let me think."),
  content: pieceOf("The answer is 4."),
  ...attempt
})

const pieceOf = (text: string, total = text.length) => ({ from: 0, length: text.length, total, text })

const battleOf = (campaign: Campaign, battle: number, attempts: ReadonlyArray<AttemptPage>): BattlePage => {
  const { agent, repetition, task } = rowOf(campaign, battle)
  return {
    battle,
    agent,
    repetition,
    task,
    taskName: campaign.tasks[task]!,
    agentName: campaign.agents[agent]!,
    prompt: "What is 2 + 2?",
    result: "passed",
    score: 1,
    reason: "1 of 1 tests passed",
    tests: [],
    countedAttempt: 1,
    attempts
  }
}

const opened = Effect.fnUntraced(function*(
  first: ReturnType<typeof snapshotOf>,
  options?: Parameters<(typeof Browser.Browser)["Service"]["newPage"]>[0]
) {
  const dashboard = yield* scriptedDashboard(first)
  const browser = yield* Browser.Browser
  const { misdeeds, page } = yield* browser.newPage(options)
  page.setDefaultTimeout(20_000)
  yield* does(() => page.goto(dashboard.address))
  yield* does(() => page.locator("#campaign-what:not(:empty)").waitFor())
  return { dashboard, misdeeds, page }
})

const does = <A>(act: () => Promise<A>) => Effect.promise(act)

/**
 * Waits until an expression of the page is true; at most 20 s. Playwright's own way to wait evaluates text inside of the
 * page, which the page's policy forbids.
 */
const until = (page: Page, expression: string) =>
  does(async () => {
    const end = performance.now() + 20_000
    while (!await page.evaluate(expression)) {
      if (performance.now() > end) throw new Error(`not within 20 s: ${expression}`)
      await page.waitForTimeout(30)
    }
  })

const textOf = (page: Page, selector: string) => does(() => page.locator(selector).innerText())

/** How many CSS pixels the page is wider than its window. */
const overhang = (page: Page) =>
  does(() => page.evaluate<number>("document.documentElement.scrollWidth - document.documentElement.clientWidth"))

const says = (selector: string, text: string) =>
  `document.querySelector(${JSON.stringify(selector)})?.textContent.includes(${JSON.stringify(text)})`

layer(Browser.layer)("the page in a browser", (it) => {
  const campaign = campaignOf(4, 2)

  it.effect("shows what happens as it happens", () =>
    Effect.gen(function*() {
      const { dashboard, misdeeds, page } = yield* opened(running(campaign))
      assert.match(yield* textOf(page, "#counts"), /4 of 8 battles over · 3 in flight/)
      yield* until(page, says(".lines", "quiet 0:41 of 2:10"))
      yield* until(page, says(".lines", "engine stepping, by its metrics"))
      yield* until(
        page,
        "(c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(v => v > 0))(document.querySelector('canvas'))"
      )
      dashboard.send(changesOf(2, {
        totals: totalsOf({ passed: 5, pending: 3, active: 2, stalls: 1 }),
        moved: [{ battle: 2, phase: "decoding", tokens: 77, marks: [[60_300, 3, 0]] }],
        left: [0],
        ended: [
          endedOf(campaign, 0, { reason: "10 of 10 tests passed" }),
          endedOf(campaign, 1, { verdict: "stalled", result: "pending", score: null, stall })
        ],
        rows: [rowOf(campaign, 1, { attempt: 2, waiting: { untilMillis: 90_000, reason: "stalled" } })],
        cells: [{ ...cellsOf(campaign)[0]!, passed: 1, pending: 0, meanScore: 1 }]
      }))
      yield* until(page, says("#counts", "5 of 8 battles over"))
      yield* until(page, says(".lines", "✓ passed"))
      yield* until(page, says(".lines", "77 tok"))
      yield* until(page, says(".lines", "attempt 2 in"))
      yield* until(page, says("#stalls", "its counters stand still"))
      yield* until(page, says("#matrix", "✓1"))
      yield* until(page, says("#announcements", "1 battle ended: 1 passed. 1 stall."))
      assert.strictEqual(yield* does(() => page.getByRole("table", { name: "In flight" }).getByRole("row").count()), 4)
      assert.deepStrictEqual(misdeeds, { elsewhere: [], dialogs: [], errors: [] })
    }))

  it.effect("says that the connection is lost, stands still, and goes on when the server is there again", () =>
    Effect.gen(function*() {
      const { dashboard, page } = yield* opened(running(campaign))
      yield* until(page, says(".lines", "quiet 0:41"))
      yield* dashboard.stop
      yield* until(page, says("#connection:not([hidden])", "Connection lost at"))
      const quiet = () => textOf(page, ".lines .line:nth-of-type(2) .quiet")
      const before = yield* quiet()
      yield* until(page, "document.querySelector('#connection-age').textContent >= '0:01'")
      assert.strictEqual(yield* quiet(), before, "nobody knows whether it is still quiet")
      dashboard.snapshot = { ...running(campaign), sequence: 900, atMillis: 70_000, ended: [endedOf(campaign, 5)] }
      yield* dashboard.start
      yield* until(page, "document.querySelector('#connection').hidden")
      yield* until(page, says(".lines", "quiet 0:51"))
      assert.strictEqual(yield* does(() => page.locator(".line:visible").count()), 3)
      assert.strictEqual(yield* does(() => page.locator("#verdicts > article").count()), 1)
      // A frame that does not follow: the page asks for all of it again.
      dashboard.snapshot = { ...dashboard.snapshot, sequence: 950, totals: totalsOf({ passed: 8 }) }
      dashboard.send(changesOf(949, { totals: totalsOf({ passed: 7, pending: 1 }) }))
      yield* until(page, says("#counts", "8 of 8 battles over"))
      assert.strictEqual(dashboard.connected(), 1)
    }))

  it.effect("goes by the clock of whoever runs the campaign now, and says when what was before it was", () =>
    Effect.gen(function*() {
      const { dashboard, page } = yield* opened({ ...running(campaign), atMillis: 3_600_000 })
      yield* until(page, says(".lines", "quiet 59:41"))
      const origin = campaign.origin + 4_000_000
      const before = endedOf(campaign, 3, { stall, atMillis: -1_000_000 })
      const resumed = { ...running({ ...campaign, origin }), ended: [before], stalls: [before] }
      dashboard.send({ ...resumed, sequence: 5 })
      yield* until(page, says(".lines", "quiet 0:4"))
      const moment = "new Date(1790003000000).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' })"
      yield* until(page, `document.querySelector("#stalls").textContent.includes(${moment})`)
      yield* until(page, says(".lines .line:nth-of-type(2) .unseen", "nothing in the last 30 s"))
    }))

  it.effect("says the same again to whoever listens, and stays away while nobody sees it", () =>
    Effect.gen(function*() {
      const { dashboard, page } = yield* opened(running(campaign))
      const heard = `import("/dom.js").then(({ announce, byId }) => {
        const [region, said] = [byId("announcements"), []]
        for (const each of [1, 2]) {
          announce(region, "1 battle ended: 1 passed.")
          said.push(region.firstChild)
        }
        return said[0] !== said[1] && region.textContent
      })`
      assert.strictEqual(yield* does(() => page.evaluate(heard)), "1 battle ended: 1 passed.")
      const turn = (hidden: boolean) =>
        `Object.defineProperty(document, "hidden", { configurable: true, value: ${hidden} })
        document.dispatchEvent(new Event("visibilitychange"))`
      // As one that is opened behind others, which no window does without a screen.
      yield* does(() => page.addInitScript(turn(true)))
      yield* does(() => page.reload())
      yield* until(page, says("#counts", "4 of 8 battles over"))
      yield* does(async () => {
        const end = performance.now() + 20_000
        while (dashboard.connected() > 0 && performance.now() < end) await page.waitForTimeout(50)
      })
      assert.strictEqual(dashboard.connected(), 0, "a browser has six connections for all of its tabs")
      assert.isTrue(yield* does(() => page.evaluate("document.querySelector('#connection').hidden")))
      dashboard.snapshot = { ...dashboard.snapshot, sequence: 70, totals: totalsOf({ passed: 8 }) }
      yield* does(() => page.evaluate(turn(false)))
      yield* until(page, says("#counts", "8 of 8 battles over"))
      assert.strictEqual(dashboard.connected(), 1)
    }))

  it.effect("presents a token of any signs, and takes it out of the address", () =>
    Effect.gen(function*() {
      const { dashboard, page } = yield* opened(running(campaign))
      const asked = page.waitForRequest(/api\/session/)
      yield* does(() => page.goto(`${dashboard.address}#token=a%26b%25`))
      assert.strictEqual((yield* does(() => asked)).headers()["authorization"], "Bearer a&b%")
      yield* does(() => page.waitForURL(`${dashboard.address}#/`))
    }))

  it.effect("says so where it has a fault, and goes on with what it can", () =>
    Effect.gen(function*() {
      const { dashboard, page } = yield* opened(running(campaign))
      const broken = { battle: 0, marks: [5] } as unknown as Moved
      dashboard.send(changesOf(2, { moved: [broken] }))
      yield* until(page, says("#fault:not([hidden])", "This page has a fault"))
      dashboard.send(changesOf(3, { totals: totalsOf({ passed: 8 }) }))
      yield* until(page, says("#counts", "8 of 8 battles over"))
    }))

  it.effect("is not impressed by hostile text", () =>
    Effect.gen(function*() {
      const script = "<img src=x onerror=alert(1)><script>alert(2)</script>"
      const turned = "\u202egnp.exe\u0007\u001b[31m"
      const long = "W".repeat(1_000_000)
      const zalgo = `z${"\u0301\u0316".repeat(400)}`
      const hostile = { ...campaign, file: `${script}.db`, tasks: [script, turned, long.slice(0, 600), zalgo] }
      const text = `${script}\n</pre>${turned}\n${long}`
      const { dashboard, misdeeds, page } = yield* opened(snapshotOf(hostile, {
        rows: [0, 1, 2, 3].map((battle) =>
          rowOf(hostile, battle, { slow: script, engine: { word: script, by: script }, beganAtMillis: 0 })
        ),
        ended: [endedOf(hostile, 0, { reason: text.slice(0, 600), stall: { ...stall, kind: script, proof: script } })],
        stalls: [endedOf(hostile, 1, { stall: { ...stall, kind: turned, proof: script } })],
        breakers: [{ of: script, state: "open", sinceMillis: 0, why: text.slice(0, 600), nextCanaryAtMillis: null }],
        notices: [{ atMillis: 0, kind: "gate", text: script, urgent: true }]
      }))
      const pieces = [0, 50_000].map((from) => ({
        from,
        length: 50_000,
        total: text.length,
        text: text.slice(from, from + 50_000)
      })) as [Piece, Piece]
      dashboard.answers.set("/api/battles/0", battleOf(hostile, 0, [attemptOf({ content: pieces[0], error: script })]))
      dashboard.answers.set("/api/battles/0/attempts/1/content?from=50000", pieces[1])
      yield* until(page, says(".lines", "<img src=x"))
      assert.isAtMost(yield* overhang(page), 0)
      const height = yield* does(() =>
        page.evaluate<number>("document.querySelector('.line:nth-of-type(4)').offsetHeight")
      )
      assert.isBelow(height, 80)
      yield* does(() => page.goto(`${dashboard.address}#/battle/0`))
      yield* until(page, says(".attempt", "gnp.exe␇␛[31m"))
      yield* does(() => page.getByRole("button", { name: "Show more" }).click())
      yield* until(page, `document.querySelector('[aria-label^="Content"]').textContent.length >= 100000`)
      assert.isAtMost(yield* overhang(page), 0)
      const made = "img, iframe, object, embed, form, [onerror], script:not([src='main.js']), style, [style*='url']"
      assert.strictEqual(yield* does(() => page.locator(made).count()), 0)
      assert.deepStrictEqual(misdeeds, { elsewhere: [], dialogs: [], errors: [] })
    }))

  it.effect("leads to a battle and back by the keyboard", () =>
    Effect.gen(function*() {
      const { dashboard, misdeeds, page } = yield* opened(running(campaign))
      dashboard.answers.set("/api/battles/1", battleOf(campaign, 1, [attemptOf({ stall, verdict: "stalled" })]))
      dashboard.answers.set("/api/battles?task=0&agent=0", {
        battles: [{ battle: 0, task: 0, agent: 0, repetition: 1, result: "passed", score: 1, attempts: 1 }]
      })
      const focused = "document.activeElement"
      yield* until(page, says(".lines", "task-02"))
      // The first stop of the tabulator skips to the battles; the lines are one stop, and arrows go on from there.
      yield* does(() => page.keyboard.press("Tab"))
      assert.strictEqual(yield* does(() => page.evaluate(`${focused}.textContent`)), "Skip to the battles")
      yield* does(() => page.keyboard.press("j"))
      yield* does(() => page.keyboard.press("ArrowDown"))
      assert.strictEqual(yield* does(() => page.evaluate(`${focused}.hash`)), "#/battle/1")
      yield* does(() => page.keyboard.press("Enter"))
      yield* until(page, says("#battle h2", "task-02 × agent-a\u00a0#1"))
      assert.strictEqual(yield* does(() => page.evaluate(`${focused}.tagName`)), "H2")
      yield* until(page, says(".evidence", "proved by the engine's metrics"))
      yield* until(page, says("figcaption", "longest pause 5.0 s"))
      // It was over, and is opened again while nobody runs it.
      dashboard.answers.set("/api/battles/1", { ...battleOf(campaign, 1, [attemptOf({ stall })]), result: "pending" })
      dashboard.send(changesOf(2, { cells: [{ ...cellsOf(campaign).find(({ task }) => task === 1)!, stalls: 7 }] }))
      yield* until(page, says("#battle .outcome", "pending"))
      yield* does(() => page.keyboard.press("Escape"))
      yield* until(page, `!document.querySelector('#overview').hidden && ${focused}.hash === "#/battle/1"`)
      yield* does(() => page.keyboard.press("m"))
      yield* does(() => page.keyboard.press("ArrowRight"))
      assert.strictEqual(yield* does(() => page.evaluate(`${focused}.hash`)), "#/battles/0/1")
      yield* does(() => page.keyboard.press("ArrowLeft"))
      yield* does(() => page.keyboard.press("Enter"))
      yield* until(page, says("#cell table", "✓ passed"))
      yield* does(() => page.goBack())
      yield* does(() => page.keyboard.press("?"))
      yield* does(() => page.getByRole("dialog", { name: "Keys" }).waitFor())
      yield* does(() => page.keyboard.press("Escape"))
      yield* until(page, "!document.querySelector('dialog').open && !document.querySelector('#overview').hidden")
      assert.deepStrictEqual(misdeeds, { elsewhere: [], dialogs: [], errors: [] })
    }))

  it.effect("fits a phone, and can be read in light and dark", () =>
    Effect.gen(function*() {
      const viewport = { width: 390, height: 844 }
      const { dashboard, page } = yield* opened(
        { ...running(campaign), ended: [endedOf(campaign, 1, { stall })], stalls: [endedOf(campaign, 1, { stall })] },
        { viewport }
      )
      dashboard.answers.set("/api/battles/1", battleOf(campaign, 1, [attemptOf({ stall, verdict: "stalled" })]))
      yield* until(page, says(".lines", "quiet 0:41"))
      assert.isAtMost(yield* overhang(page), 0)
      assert.deepStrictEqual(yield* faintTexts(page, "light"), [])
      assert.deepStrictEqual(yield* faintTexts(page, "dark"), [])
      yield* does(() => page.goto(`${dashboard.address}#/battle/1`))
      yield* until(page, says(".evidence", "proved"))
      assert.isAtMost(yield* overhang(page), 0)
      assert.deepStrictEqual(yield* faintTexts(page, "light"), [])
      assert.deepStrictEqual(yield* faintTexts(page, "dark"), [])
    }))
})

/** The visible texts whose contrast with what is behind them is less than 4.5 (WCAG 2.2, relative luminance). */
const faintTexts = (page: Page, colorScheme: "light" | "dark") =>
  does(async () => {
    await page.emulateMedia({ colorScheme })
    return await page.evaluate<ReadonlyArray<string>>(`(() => {
      const channels = (colour) => colour.match(/[\\d.]+/g).map(Number)
      const luminance = ([r, g, b]) => [r, g, b].map((c) => c / 255)
        .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0)
      const behind = (element) => {
        for (let each = element; each; each = each.parentElement) {
          const colour = channels(getComputedStyle(each).backgroundColor)
          if (colour.length < 4 || colour[3] > 0) return colour
        }
        return [255, 255, 255]
      }
      const faint = []
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
      while (walker.nextNode()) {
        const element = walker.currentNode.parentElement
        const text = walker.currentNode.data.trim()
        if (text === "" || !element.checkVisibility() || element.closest("noscript")) continue
        const [one, other] = [channels(getComputedStyle(element).color), behind(element)].map(luminance)
        const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05)
        if (contrast < 4.5) faint.push(text.slice(0, 30) + " " + contrast.toFixed(2))
      }
      return faint
    })()`)
  })
