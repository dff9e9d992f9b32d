/**
 * The page of a campaign: frames go into a reducer, and views draw its state.
 *
 * Words are renewed five times a second and strips when they have moved by a pixel, both only while the page is seen
 * (the browser calls for a frame then). While the connection is lost the campaign's clock stands still: nobody knows
 * whether what was quiet then still is. Who prefers less motion gets strips that move once a second.
 *
 * The page's modules import each other and the types of the frames, and nothing else: the server hands them out one by
 * one, without their types. Only here and in `Connection.ts`, `http.ts`, `dom.ts` and the views is there a document;
 * what decides is in modules of its own that know none.
 */
import * as Announcer from "./Announcer.ts"
import { battleName } from "./battleName.ts"
import { BattleView } from "./BattleView.ts"
import { CampaignView } from "./CampaignView.ts"
import { CellView } from "./CellView.ts"
import { connect, type ConnectionState, type Listener } from "./Connection.ts"
import { describeLoss } from "./describeCampaign.ts"
import { announce, byId, setAttribute, setHidden, setText } from "./dom.ts"
import { EndedView } from "./EndedView.ts"
import { singleLine } from "./harmless.ts"
import { MatrixView } from "./MatrixView.ts"
import { type PageState, step } from "./PageState.ts"
import { watchPalette } from "./palette.ts"
import * as Route from "./route.ts"
import * as ServerClock from "./ServerClock.ts"
import { holdsToken, presentToken } from "./session.ts"
import * as Shortcuts from "./shortcuts.ts"
import { BUCKET_MILLIS, PITCH } from "./stripShape.ts"
import { StripsView } from "./StripsView.ts"
import { clockTime } from "./words.ts"

const WORDS_MILLIS = 200
const STILL_MILLIS = 1_000

let state: PageState | undefined
let clock = ServerClock.initial
let announcer = Announcer.initial
let route = Route.read(location.hash)
let connection: ConnectionState = { kind: "connecting", since: Date.now(), refusal: null }
let isNew = true
let wordsAt = -Infinity
let paintedAt = NaN

const prefersStill = matchMedia("(prefers-reduced-motion: reduce)")
const palette = watchPalette(() => {
  paintedAt = NaN
})
const strips = new StripsView(palette, (row) => battleName(state!.campaign, row))
const campaign = new CampaignView()
const ended = new EndedView()
const matrix = new MatrixView()
const battle = new BattleView(palette)
const cell = new CellView()

const listener: Listener = {
  frame: (frame) => {
    const next = step(state, frame)
    if (next === undefined) return false
    // Another process runs it, and its clock began with it.
    if (next.campaign.origin !== state?.campaign.origin) clock = ServerClock.initial
    state = next
    clock = ServerClock.heard(clock, frame.atMillis, performance.now())
    announcer = Announcer.heard(announcer, frame)
    isNew = true
    return true
  },
  changed: (now) => {
    if (now.kind === "lost" && connection.kind !== "lost") clock = ServerClock.stop(clock, performance.now())
    connection = now
    isNew = true
  }
}

const showConnection = () => {
  const target = byId("connection")
  const isLost = connection.kind === "lost"
  const isOver = isLost && state !== undefined && state.run.endedAtMillis !== null
  setAttribute(document.body, "data-connection", isOver ? "over" : connection.kind)
  setHidden(target, connection.kind === "open" || (connection.kind === "connecting" && state !== undefined))
  setText(target, isLost ? describeLoss(connection, isOver ? state?.campaign.file : undefined) : "Connecting…")
  setText(byId("connection-age"), isLost ? clockTime(Date.now() - connection.since) : "")
  setHidden(byId("connection-age"), !isLost || isOver)
}

const show = (at: number) => {
  showConnection()
  if (state === undefined) return
  const now = ServerClock.read(clock, at)
  campaign.show(state, now)
  if (route.kind === "overview") {
    ended.show(state)
    matrix.show(state)
    const isQuiet = state.places.every((place) => place === undefined || place.leftAtMillis !== undefined)
    setHidden(byId("flight"), isQuiet && state.run.endedAtMillis !== null)
    setHidden(byId("flight-empty"), !isQuiet)
    strips.show(state, now)
  }
  if (route.kind === "battle") battle.show(state, now, at)
  if (route.kind === "cell") cell.show(state)
  const [after, words] = Announcer.said(announcer, at)
  announcer = after
  if (words !== undefined) announce(byId("announcements"), words)
}

const paint = (at: number) => {
  if (state === undefined) return
  const now = ServerClock.read(clock, at)
  const still = prefersStill.matches ? STILL_MILLIS : BUCKET_MILLIS / PITCH
  const painted = Math.floor(now / still)
  if (painted === paintedAt && !(isNew && !prefersStill.matches)) return
  paintedAt = painted
  if (route.kind === "overview") strips.paint(painted * still)
  if (route.kind === "battle") battle.paint(state, painted * still)
}

const frame = (at: number) => {
  // First, so that a fault below ends one frame and not the page.
  requestAnimationFrame(frame)
  // Words before strips: lines that come or go change where strips stand.
  if (at - wordsAt >= WORDS_MILLIS) {
    wordsAt = at
    show(at)
  }
  paint(at)
  isNew = false
}

const go = (to: Route.Route) => {
  location.hash = Route.write(to)
}

let overviewAt = 0
let leftFrom: string | undefined

const arrive = (isFirst: boolean) => {
  const before = route
  route = Route.read(location.hash)
  if (before.kind === "overview" && route.kind !== "overview") {
    overviewAt = scrollY
    leftFrom = Route.write(route)
  }
  setHidden(byId("overview"), route.kind !== "overview")
  setHidden(byId("battle"), route.kind !== "battle")
  setHidden(byId("cell"), route.kind !== "cell")
  battle.open(route.kind === "battle" ? route.battle : undefined)
  cell.open(route.kind === "cell" ? route : undefined)
  wordsAt = -Infinity
  paintedAt = NaN
  show(performance.now())
  if (isFirst || before === route) return
  if (route.kind === "overview") {
    // Back to where one was, eye and focus.
    scrollTo(0, overviewAt)
    const link = Array.from(byId("overview").querySelectorAll("a")).find(({ hash }) => hash === leftFrom)
    ;(link ?? byId("main")).focus({ preventScroll: true })
  } else {
    scrollTo(0, 0)
    if (route.kind === "battle") battle.focus()
    else cell.focus()
  }
}

const toggleOrder = () => {
  strips.order = strips.order === "place" ? "quiet" : "place"
  setAttribute(byId("order"), "aria-pressed", String(strips.order === "quiet"))
  wordsAt = -Infinity
}

byId("order").addEventListener("click", toggleOrder)
byId("strips").addEventListener("keydown", (event) => {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return
  event.preventDefault()
  strips.focusBy(event.key === "ArrowDown" ? 1 : -1)
})
byId("strips").addEventListener("scroll", () => {
  if (!strips.isPainted) paintedAt = NaN
}, { passive: true })

const onOverview = (run: () => void) => () => {
  if (route.kind === "overview") run()
}

Shortcuts.listen([
  { keys: ["j"], shown: "j", does: "the next battle in flight", run: onOverview(() => strips.focusBy(1)) },
  { keys: ["k"], shown: "k", does: "the battle before", run: onOverview(() => strips.focusBy(-1)) },
  { keys: ["s"], shown: "s", does: "longest silence first, or not", run: onOverview(toggleOrder) },
  {
    keys: ["m"],
    shown: "m",
    does: "the coverage matrix",
    run: onOverview(() => byId("matrix").querySelector<HTMLElement>("a[tabindex='0']")?.focus())
  },
  { keys: ["Escape", "u"], shown: "Esc, u", does: "back to all battles", run: () => go({ kind: "overview" }) }
])

// A page that stands still and looks alive would be worse than none.
addEventListener("error", ({ message }) => {
  const fault = byId("fault")
  setHidden(fault, false)
  setText(fault, `This page has a fault, and may not show how things are. Reload it. (${singleLine(message, 200)})`)
})
addEventListener("hashchange", () => {
  // A link with a token that is opened where the page is already: everything begins anew with it.
  if (holdsToken()) void presentToken().then(() => location.reload())
  else arrive(false)
})
void presentToken().then(() => connect(listener))
arrive(true)
requestAnimationFrame(frame)
