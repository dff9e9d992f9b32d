/**
 * The battles in flight: a table with one line each, and one canvas over it for the strips of the lines in sight.
 *
 * Laws
 * - What is out of sight costs next to nothing: its strip is not painted, and its words are renewed a few lines at a time,
 *   for whoever reads the table without looking at it.
 * - A line stays where it is while its battle is in flight, and while the focus is among the lines.
 * - The canvas moves with the lines when they are scrolled; it covers more than is in sight, so it need not be painted in
 *   the same moment.
 *
 * Lines have one height, so which of them are in sight is a division; the style sheet says which height.
 */
import type { BattleName } from "./battleName.ts"
import { describeRow, describeStrip, endedSign, endedWords, limitWords } from "./describeRow.ts"
import { byId, element, foreign, setAttribute, setHidden, setText, withRole } from "./dom.ts"
import { drawStrip } from "./drawStrip.ts"
import { orderPlaces } from "./orderPlaces.ts"
import type { PageState, Place } from "./PageState.ts"
import type { Palette } from "./palette.ts"
import { write } from "./route.ts"
import { stripShape } from "./stripShape.ts"
import { count, rate } from "./words.ts"

/** Lines out of sight that are renewed at once. */
const RENEWED = 12
/** How often lines are put in another order, in milliseconds. */
const ORDER_MILLIS = 2_000
/** How often a strip is put into words, in milliseconds. */
const HEARD_MILLIS = 2_000

interface Line {
  readonly row: HTMLElement
  readonly link: HTMLAnchorElement
  readonly task: HTMLElement
  readonly agent: HTMLElement
  readonly repetition: HTMLElement
  readonly phase: HTMLElement
  readonly tokens: HTMLElement
  readonly rate: HTMLElement
  /** The strip in words, and when it was last put into them. */
  readonly heard: HTMLElement
  heardAt: number
  readonly quiet: HTMLElement
  readonly why: HTMLElement
  /** How much of the limit is used up. */
  readonly meter: HTMLElement
  readonly used: HTMLElement
  /** What it shows. */
  battle: number
}

const cell = (className: string, ...children: ReadonlyArray<Node | string>) =>
  withRole("cell", element("div", className, ...children))

const makeLine = (): Line => {
  const line = {
    task: foreign("", "task"),
    agent: foreign("", "agent dim"),
    repetition: element("span", "repetition dim"),
    phase: cell("phase"),
    tokens: cell("tokens"),
    rate: cell("rate"),
    heard: element("span", "unseen"),
    quiet: element("span", "quiet"),
    why: element("span", "why dim"),
    meter: element("span", "meter"),
    used: element("span", "used"),
    link: element("a", "name"),
    battle: -1,
    heardAt: -Infinity
  }
  line.link.tabIndex = -1
  line.link.append(line.task, " ", line.agent, " ", line.repetition)
  line.meter.append(line.used)
  line.meter.setAttribute("aria-hidden", "true")
  const strip = cell("strip", line.heard)
  const silence = cell("silence", line.quiet, line.why, line.meter)
  const name = withRole("rowheader", element("div", "who", line.link))
  const row = withRole("row", element("div", "line", name, line.phase, line.tokens, line.rate, strip, silence))
  return { ...line, row }
}

export class StripsView {
  readonly #scroll = byId("strips")
  readonly #lines: Array<Line> = []
  readonly #body = withRole("rowgroup", element("div", "lines"))
  readonly #canvas = element("canvas", "painting")
  readonly #context = this.#canvas.getContext("2d")!
  readonly #palette: () => Palette
  readonly #nameOf: (battle: Place["flight"]["row"]) => BattleName
  #places: ReadonlyArray<Place> = []
  #order: "place" | "quiet" = "place"
  #orderedAt = -Infinity
  #renewFrom = 0
  #lineHeight = 0
  #strip = { left: 0, top: 0, width: 0, height: 0 }
  #focused = 0
  /** What the canvas covers, in CSS pixels of the lines. */
  #painted = { top: 0, bottom: -1 }

  constructor(palette: () => Palette, nameOf: (battle: Place["flight"]["row"]) => BattleName) {
    this.#palette = palette
    this.#nameOf = nameOf
    withRole("table", this.#scroll)
    this.#scroll.setAttribute("aria-labelledby", "flight-heading")
    const headings = ["Battle", "Phase", "Tokens", "Tokens per second", "Strip", "Silence"]
    const heading = withRole(
      "row",
      element("div", "unseen", ...headings.map((text) => withRole("columnheader", element("span", "", text))))
    )
    this.#canvas.setAttribute("aria-hidden", "true")
    this.#body.append(this.#canvas)
    this.#scroll.append(withRole("rowgroup", element("div", "", heading)), this.#body)
    this.#scroll.addEventListener("focusin", ({ target }) => {
      this.#focused = Math.max(0, this.#lines.findIndex(({ link }) => link === target))
    })
    new ResizeObserver(() => this.#measure()).observe(this.#scroll)
  }

  /** Shows lines in the order in which they have their places, or the longest silence first. */
  set order(order: "place" | "quiet") {
    this.#order = order
    this.#orderedAt = -Infinity
  }

  get order(): "place" | "quiet" {
    return this.#order
  }

  /** Moves the focus by so many lines; to the first or the line that had it where none has it. */
  focusBy(lines: number): void {
    const isInside = this.#scroll.contains(document.activeElement)
    const shown = Math.min(this.#lines.length, this.#places.length)
    const target = this.#lines[Math.max(0, Math.min(shown - 1, this.#focused + (isInside ? lines : 0)))]
    target?.link.focus()
  }

  /** Shows the state at `now`, in words; meant for some times a second. */
  show(state: PageState, now: number): void {
    const isFocused = this.#scroll.contains(document.activeElement)
    if (Math.abs(now - this.#orderedAt) > ORDER_MILLIS || this.#order === "place") {
      this.#places = orderPlaces(state, now, this.#order, isFocused ? this.#places : undefined)
      this.#orderedAt = now
    } else this.#places = orderPlaces(state, now, this.#order, this.#places)
    this.#resize(this.#places.length)
    const [first, last] = this.#sight()
    for (let index = first; index < last; index++) this.#renew(index, state, now)
    for (let each = 0; each < RENEWED && this.#places.length > 0; each++) {
      this.#renewFrom = (this.#renewFrom + 1) % this.#places.length
      if (this.#renewFrom < first || this.#renewFrom >= last) this.#renew(this.#renewFrom, state, now)
    }
  }

  /** Paints the strips in sight at `now`. */
  paint(now: number): void {
    if (this.#places.length === 0 || this.#lineHeight === 0) return
    const view = this.#scroll.clientHeight
    const all = this.#places.length * this.#lineHeight
    const height = Math.min(all, view * 2)
    const top = Math.max(0, Math.min(all - height, Math.floor((this.#scroll.scrollTop - view / 2) / 8) * 8))
    const scale = Math.min(2, devicePixelRatio)
    const { left, width } = this.#strip
    if (this.#canvas.width !== Math.round(width * scale) || this.#canvas.height !== Math.round(height * scale)) {
      this.#canvas.width = Math.round(width * scale)
      this.#canvas.height = Math.round(height * scale)
      this.#canvas.style.width = `${width}px`
      this.#canvas.style.height = `${height}px`
    }
    const moved = `translate(${left}px, ${top}px)`
    if (this.#canvas.style.transform !== moved) this.#canvas.style.transform = moved
    this.#context.setTransform(scale, 0, 0, scale, 0, -top * scale)
    this.#context.clearRect(0, top, width, height)
    this.#painted = { top, bottom: top + height }
    const first = Math.floor(top / this.#lineHeight)
    const last = Math.ceil((top + height) / this.#lineHeight)
    for (let index = first; index < last; index++) this.#paintLine(index, now)
  }

  /** Whether what is in sight has been painted; not after it was scrolled far. */
  get isPainted(): boolean {
    const { clientHeight, scrollTop } = this.#scroll
    const bottom = Math.min(this.#places.length * this.#lineHeight, scrollTop + clientHeight)
    return scrollTop >= this.#painted.top && bottom <= this.#painted.bottom
  }

  #paintLine(index: number, now: number): void {
    const place = this.#places[index]
    if (place === undefined) return
    const { ends, row } = place.flight
    const isExpecting = place.leftAtMillis === undefined && row.waiting === null && row.phase !== "finishing"
    const silentSinceMillis = isExpecting ? row.lastTokenAtMillis ?? row.beganAtMillis : undefined
    const shape = stripShape({ marks: row.marks, ends, silentSinceMillis }, now, this.#strip.width)
    const top = index * this.#lineHeight + this.#strip.top
    drawStrip(
      this.#context,
      shape,
      { left: 0, top, width: this.#strip.width, height: this.#strip.height },
      this.#palette()
    )
  }

  /** The lines in sight, from and to, with one more on either side. */
  #sight(): readonly [number, number] {
    if (this.#lineHeight === 0) return [0, Math.min(30, this.#places.length)]
    const first = Math.floor(this.#scroll.scrollTop / this.#lineHeight) - 1
    const last = Math.ceil((this.#scroll.scrollTop + this.#scroll.clientHeight) / this.#lineHeight) + 1
    return [Math.max(0, first), Math.min(this.#places.length, last)]
  }

  #resize(lines: number): void {
    if (this.#lines.length < lines) {
      const more = Array.from({ length: lines - this.#lines.length }, makeLine)
      this.#lines.push(...more)
      this.#body.append(...more.map(({ row }) => row))
    }
    this.#lines.forEach(({ row }, index) => setHidden(row, index >= lines))
    setHidden(this.#canvas, lines === 0)
    setAttribute(this.#scroll, "aria-rowcount", String(lines + 1))
    const reachable = Math.min(this.#focused, lines - 1)
    this.#lines.forEach(({ link }, index) => {
      const tabIndex = index === reachable ? 0 : -1
      if (link.tabIndex !== tabIndex) link.tabIndex = tabIndex
    })
    if (this.#lineHeight === 0 && lines > 0) this.#measure()
  }

  #measure(): void {
    const line = this.#lines[0]?.row
    const strip = line?.querySelector<HTMLElement>(".strip")
    if (line === undefined || strip === null || strip === undefined || line.offsetHeight === 0) return
    this.#lineHeight = line.offsetHeight
    this.#strip = {
      left: strip.offsetLeft,
      top: strip.offsetTop,
      width: strip.offsetWidth,
      height: strip.offsetHeight
    }
  }

  #renew(index: number, state: PageState, now: number): void {
    const line = this.#lines[index]
    const place = this.#places[index]
    if (line === undefined || place === undefined) return
    const { row } = place.flight
    if (line.battle !== row.battle) {
      const { agent, repetition, task } = this.#nameOf(row)
      setText(line.task, task)
      setText(line.agent, agent)
      setText(line.repetition, `#${repetition}`)
      line.link.href = write({ kind: "battle", battle: row.battle })
      line.link.title = `${task} × ${agent} #${repetition}`
      line.battle = row.battle
      line.heardAt = -Infinity
    }
    setText(line.tokens, row.waiting === null ? `${count(row.tokens)} tok` : "")
    const ended = place.leftAtMillis === undefined ? undefined : state.ended.find(({ battle }) => battle === row.battle)
    if (place.leftAtMillis !== undefined) {
      setText(line.phase, "over")
      setText(line.rate, "")
      setText(line.quiet, ended === undefined ? "" : `${endedSign(ended)} ${endedWords(ended)}`)
      setText(line.why, "")
      setAttribute(line.row, "data-tone", ended?.result ?? "plain")
      setUsed(line, null)
      return
    }
    if (Math.abs(now - line.heardAt) > HEARD_MILLIS) {
      line.heardAt = now
      setText(line.heard, describeStrip(row, now))
    }
    const words = describeRow(row, now)
    setText(
      line.phase,
      row.attempt > 1 && row.waiting === null ? `${words.phase}, attempt ${row.attempt}` : words.phase
    )
    setText(line.rate, row.rate === null || row.waiting !== null ? "" : `${rate(row.rate)}/s`)
    setText(line.quiet, words.quiet)
    setAttribute(line.quiet, "title", limitWords(row))
    setText(line.why, words.why)
    setAttribute(line.why, "title", words.why)
    setAttribute(line.row, "data-tone", words.tone)
    setUsed(line, words.used)
  }
}

const setUsed = ({ meter, used }: Line, part: number | null): void => {
  setHidden(meter, part === null)
  const transform = part === null ? "scaleX(0)" : `scaleX(${part.toFixed(3)})`
  if (used.style.transform !== transform) used.style.transform = transform
}
