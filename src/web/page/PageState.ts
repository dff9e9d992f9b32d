/**
 * What the page knows: a pure reducer over the frames of the server.
 *
 * Laws
 * - A snapshot replaces everything; changes follow the frame before without a gap, or there is no state after them and
 *   the page has to ask for a snapshot: nothing is ever doubled or guessed.
 * - What a part of a frame does not name is the same object as before, so that a view sees by identity what to draw.
 * - Memory is bounded by the plan and by the battles in flight: marks are forgotten after `MARKS_MILLIS`.
 *
 * A strip belongs to a battle and not to an attempt: when the next attempt takes the place of one that was given up, the
 * marks of both are there, with the end of the first between them. A place whose battle has ended keeps it for
 * `LINGER_MILLIS`, so that the outcome is seen where the eye was.
 */
import type {
  Campaign,
  Cell,
  Changes,
  Ended,
  Frame,
  Gate,
  Lane,
  Mark,
  Moved,
  Notice,
  Row,
  RunState,
  Snapshot,
  Totals
} from "../Frame.ts"

/** How far back the marks of a strip are kept, in milliseconds. */
export const MARKS_MILLIS = 120_000
/** How long a place shows the battle that has left it, in milliseconds. */
export const LINGER_MILLIS = 2_500

/** The end of an earlier attempt of a battle that is still a row. */
export interface StripEnd {
  readonly atMillis: number
  readonly verdict: Ended["verdict"]
  /** Since when nothing had come. */
  readonly silentSinceMillis: number
}

/** A battle in flight, with all of its strip. */
export interface Flight {
  readonly row: Row
  readonly ends: ReadonlyArray<StripEnd>
}

/** A line of the strips. */
export interface Place {
  readonly flight: Flight
  /** When its battle was over; undefined while it is a row. */
  readonly leftAtMillis: number | undefined
}

export interface PageState {
  readonly sequence: number
  /** Campaign time of the last frame. */
  readonly atMillis: number
  readonly campaign: Campaign
  readonly run: RunState
  readonly totals: Totals
  /** By the slot; undefined where none has been yet. */
  readonly places: ReadonlyArray<Place | undefined>
  readonly kept: Snapshot["kept"]
  readonly ended: ReadonlyArray<Ended>
  readonly stalls: ReadonlyArray<Ended>
  readonly cells: ReadonlyMap<string, Cell>
  readonly lanes: ReadonlyArray<Lane>
  readonly breakers: ReadonlyArray<Gate>
  readonly notices: ReadonlyArray<Notice>
}

/** What identifies a cell. */
export const cellKey = ({ agent, task }: { readonly task: number; readonly agent: number }): string =>
  `${task}/${agent}`

/** The state after a frame; undefined where it does not follow, and a snapshot is needed. */
export const step = (state: PageState | undefined, frame: Frame): PageState | undefined => {
  if (frame.kind === "snapshot") return begun(frame)
  if (state === undefined) return undefined
  if (frame.kind === "beat") return { ...state, atMillis: frame.atMillis }
  return frame.sequence === state.sequence + 1 ? changed(state, frame) : undefined
}

const begun = (frame: Snapshot): PageState => ({
  sequence: frame.sequence,
  atMillis: frame.atMillis,
  campaign: frame.campaign,
  run: frame.state,
  totals: frame.totals,
  places: withRows([], frame.rows, []),
  kept: frame.kept,
  ended: frame.ended,
  stalls: frame.stalls,
  cells: new Map(frame.cells.map((cell) => [cellKey(cell), cell])),
  lanes: frame.lanes,
  breakers: frame.breakers,
  notices: frame.notices
})

const changed = (state: PageState, frame: Changes): PageState => {
  const stalls = frame.ended?.filter(({ stall }) => stall !== null)
  return {
    sequence: frame.sequence,
    atMillis: frame.atMillis,
    campaign: state.campaign,
    run: frame.state ?? state.run,
    totals: frame.totals ?? state.totals,
    places: placesAfter(state.places, frame),
    kept: state.kept,
    ended: prepended(state.ended, frame.ended, state.kept.ended),
    stalls: prepended(state.stalls, stalls, state.kept.stalls),
    cells: frame.cells === undefined
      ? state.cells
      : new Map([...state.cells, ...frame.cells.map((cell) => [cellKey(cell), cell] as const)]),
    lanes: frame.lanes ?? state.lanes,
    breakers: frame.breakers ?? state.breakers,
    notices: prepended(state.notices, frame.notices, state.kept.notices)
  }
}

/** A list, newest first, after news that come oldest first; the list itself where there are none. */
const prepended = <A>(list: ReadonlyArray<A>, news: ReadonlyArray<A> | undefined, kept: number): ReadonlyArray<A> =>
  news === undefined || news.length === 0 ? list : [...news.toReversed(), ...list].slice(0, kept)

const placesAfter = (before: PageState["places"], frame: Changes): PageState["places"] => {
  let places = before
  if (frame.left !== undefined) places = withoutRows(places, new Set(frame.left), frame.atMillis)
  if (frame.rows !== undefined) places = withRows(places, frame.rows, frame.ended ?? [])
  if (frame.moved !== undefined) places = withMoved(places, frame.moved, frame.atMillis)
  return places
}

const withoutRows = (places: PageState["places"], left: ReadonlySet<number>, atMillis: number): PageState["places"] =>
  places.map((place) =>
    place !== undefined && place.leftAtMillis === undefined && left.has(place.flight.row.battle)
      ? { ...place, leftAtMillis: atMillis }
      : place
  )

const withRows = (
  places: PageState["places"],
  rows: ReadonlyArray<Row>,
  ended: ReadonlyArray<Ended>
): PageState["places"] => {
  const after = [...places]
  for (const row of rows) {
    const before = after[row.slot]?.flight
    while (after.length < row.slot) after.push(undefined)
    after[row.slot] = {
      flight: before !== undefined && before.row.battle === row.battle && before.row.attempt <= row.attempt
        ? goneOn(before, row, ended)
        : { row, ends: [] },
      leftAtMillis: undefined
    }
  }
  return after
}

/** A battle whose row begins anew: with its next attempt, or with the wait for it. */
const goneOn = ({ ends, row: before }: Flight, row: Row, ended: ReadonlyArray<Ended>): Flight => {
  const end = ended.find(({ attempt, battle }) => battle === row.battle && attempt === before.attempt)
  const first = row.marks[0]?.[0] ?? Infinity
  return {
    row: { ...row, marks: [...before.marks.filter(([atMillis]) => atMillis < first), ...row.marks] },
    ends: end === undefined || end.verdict === "completed" ? ends : [...ends, {
      atMillis: end.atMillis,
      verdict: end.verdict,
      silentSinceMillis: before.lastTokenAtMillis ?? before.beganAtMillis
    }]
  }
}

const withMoved = (
  places: PageState["places"],
  moved: ReadonlyArray<Moved>,
  atMillis: number
): PageState["places"] => {
  const news = new Map(moved.map((each) => [each.battle, each]))
  return places.map((place) => {
    const change = place === undefined ? undefined : news.get(place.flight.row.battle)
    if (place === undefined || change === undefined || place.leftAtMillis !== undefined) return place
    const { ends, row } = place.flight
    const marks = change.marks === undefined ? row.marks : joined(row.marks, change.marks, atMillis - MARKS_MILLIS)
    return { flight: { row: { ...row, ...change, marks }, ends }, leftAtMillis: undefined }
  })
}

const joined = (before: ReadonlyArray<Mark>, more: ReadonlyArray<Mark>, from: number): ReadonlyArray<Mark> => {
  const kept = before.length > 0 && before[0]![0] < from ? before.filter(([atMillis]) => atMillis >= from) : before
  return kept.length === 0 ? more : kept.concat(more)
}

/** The lines to show at a time: battles in flight, and those that were until a moment ago. */
export const shownPlaces = ({ places }: PageState, now: number): ReadonlyArray<Place> =>
  places.filter((place) =>
    place !== undefined && (place.leftAtMillis === undefined || now - place.leftAtMillis < LINGER_MILLIS)
  ) as ReadonlyArray<Place>

/** Time without a token, in milliseconds; 0 where none is expected. */
export const silenceOf = ({ beganAtMillis, lastTokenAtMillis, phase, waiting }: Row, now: number): number =>
  phase === "finishing" || waiting !== null ? 0 : Math.max(0, now - (lastTokenAtMillis ?? beganAtMillis))

/** Number of battles in the plan. */
export const planned = ({ failed, partial, passed, pending, unscored }: Totals): number =>
  passed + partial + failed + unscored + pending

/** The name of a task or an agent by its place. */
export const nameAt = (names: ReadonlyArray<string>, place: number): string => names[place] ?? `no. ${place + 1}`
