/**
 * Faults of an engine as its metrics show them, each with what must become of a request that it hits.
 *
 * A fault is what happens in place of the next token: stretches of a world (World.ts), from then on. It is found by
 * silence and evidence together, so each has a bound on the delay that follows from the limits in force: scrapes that
 * must be seen, looks that must be taken, and the suspect limit of the run before anything is asked.
 *
 * Law: put after any healthy beginning, with metrics that are ours and bound, every fault is found within its bound and
 * called by one of its kinds (laws/faultLaws.ts), unless other limits are shorter than its proof takes. The first kind is
 * the one to expect with the defaults.
 *
 * Not here: agents that die (laws/hopLaws.ts has what heartbeats do), and answers that run away, which a check outside
 * reports as `Worthless`. Real sockets, proxies and broken bytes are the simulator's.
 */
import type { FailKind } from "../liveness/FailKind.ts"
import type { StallKind } from "../liveness/StallKind.ts"
import { rhythmOf, type Subject } from "./Reducer.ts"
import type { Stretch, WorldEnd } from "./World.ts"

/** Limits that were in force when a verdict fell, in milliseconds. */
export interface InForce {
  /** After so much silence the run was suspect. */
  readonly suspect: number
  /** After so long a standstill its engine was hung. */
  readonly frozen: number
}

/** One fault. */
export interface Fault {
  /** What happens, in words. */
  readonly what: string
  /** What the run must be called: stalled or failed as one of these. */
  readonly kinds: ReadonlyArray<StallKind | FailKind>
  /** What the engine does from then on. */
  readonly stretches: (subject: Subject) => ReadonlyArray<Stretch>
  /** How the connection ends; it stays open, and nothing comes, unless given. */
  readonly end?: WorldEnd
  /** Only for requests that have had no token. */
  readonly beforeTokens?: boolean
  /** Only for requests that have had one. */
  readonly afterTokens?: boolean
  /** Only for engines that were seen before: what is found is a change. */
  readonly seenBefore?: boolean
  /**
   * The most that may pass from the fault to the verdict, in milliseconds, where the engine was scraped before it; else
   * one scrape more, because a first one has nothing to be compared with.
   */
  readonly boundMillis: (subject: Subject, limits: InForce) => number
}

/** Long enough for every limit that can end a run with evidence. */
const forEver = ({ limits, scrapeMillis }: Subject): number =>
  limits.frozenCeilingMillis + limits.suspectCeilingMillis + limits.frozenEmptyMillis + 10 * scrapeMillis +
  20 * limits.tickMillis + 20_000 +
  scrapeMillis * (limits.lostScrapes + limits.deadScrapes + limits.restartScrapes) + limits.unhealthyMillis

/** A standstill of the limit, seen by whole scrapes from the first one after the fault. */
const frozenBound: Fault["boundMillis"] = (subject, { frozen, suspect }) => {
  const { scrapeMillis, tickMillis } = rhythmOf(subject)
  return scrapeMillis + Math.max(suspect, Math.ceil(frozen / scrapeMillis) * scrapeMillis) + 2 * tickMillis
}

/** So many scrapes after the fault. */
const scrapes = (count: (subject: Subject) => number): Fault["boundMillis"] => (subject, { suspect }) =>
  Math.max(suspect, count(subject) * subject.scrapeMillis) + 2 * subject.limits.tickMillis

const only = (kind: Stretch["kind"]): Fault["stretches"] => (subject) => [{ kind, millis: forEver(subject) }]

const atOnce: Fault["boundMillis"] = () => 0

/** How often other requests get a first token in a world, at the least, in milliseconds. */
const FIRST_TOKENS_EVERY = 5000

/** Every fault, by name. */
export const faults = {
  hang: {
    what: "the engine hangs, and its gauges freeze",
    // Called a decode hang only where the limits are less patient with an engine that works than with one that does not.
    kinds: ["engine-hung", "decode-hung"],
    stretches: only("frozen"),
    boundMillis: frozenBound
  },
  "empty hang": {
    what: "the engine hangs, and its gauges read 0",
    kinds: ["engine-idle", "orphaned"],
    stretches: only("frozen-empty"),
    afterTokens: true,
    boundMillis: scrapes(({ limits }) => limits.lostScrapes)
  },
  "decode hang": {
    what: "others get first tokens, and nobody a second one",
    kinds: ["decode-hung"],
    stretches: only("no-decode"),
    afterTokens: true,
    boundMillis: (subject, { frozen, suspect }) =>
      frozenBound(subject, { suspect, frozen: Math.max(frozen, 0) + 2 * FIRST_TOKENS_EVERY })
  },
  "lost request": {
    what: "the engine serves others, and has lost ours",
    kinds: ["orphaned", "engine-idle"],
    stretches: only("lost"),
    afterTokens: true,
    boundMillis: scrapes(({ limits }) => limits.lostScrapes)
  },
  "never taken": {
    what: "the request never reaches the engine",
    kinds: ["engine-idle"],
    stretches: only("preparing"),
    beforeTokens: true,
    boundMillis: (subject, { frozen, suspect }) =>
      frozenBound(subject, { frozen: Math.max(frozen, subject.limits.frozenEmptyMillis), suspect }) +
      scrapes(({ limits }) => limits.lostScrapes)(subject, { frozen, suspect: 0 })
  },
  crash: {
    what: "the server is gone; the connection of the stream stays half open",
    kinds: ["engine-dead"],
    stretches: only("refused"),
    boundMillis: scrapes(({ limits }) => limits.deadScrapes)
  },
  "sick server": {
    what: "the server says 503 of its own health; the connection of the stream stays half open",
    kinds: ["engine-dead", "engine-hung"],
    stretches: only("unhealthy"),
    // A scrape may yet see what moved before.
    boundMillis: scrapes(({ limits, scrapeMillis }) => 1 + Math.ceil(limits.unhealthyMillis / scrapeMillis))
  },
  restart: {
    what: "the server is gone for some seconds and comes back as another process; the connection stays half open",
    kinds: ["engine-restarted", "engine-dead", "engine-idle", "orphaned"],
    stretches: (subject) => [
      { kind: "refused", millis: Math.round(0.8 * subject.scrapeMillis) },
      { kind: "restarted", millis: forEver(subject) }
    ],
    seenBefore: true,
    boundMillis: scrapes(({ limits }) => limits.restartScrapes + 1)
  },
  "deferred for ever": {
    what: "the request waits for a transfer that never comes",
    kinds: ["deferred-stuck", "orphaned"],
    stretches: (subject) => [{ kind: "deferred", millis: subject.limits.deferredMillis + forEver(subject) }],
    beforeTokens: true,
    boundMillis: (subject, { suspect }) =>
      Math.max(suspect, subject.limits.deferredMillis + 2 * subject.scrapeMillis) + 2 * subject.limits.tickMillis
  },
  "network break": {
    what: "the connection breaks",
    kinds: ["connection-lost"],
    stretches: () => [],
    end: "reset",
    boundMillis: atOnce
  },
  "cut answer": {
    what: "a proxy ends the answer cleanly, without a finish reason",
    kinds: ["truncated"],
    stretches: () => [],
    end: "eof",
    boundMillis: atOnce
  },
  "engine error": {
    what: "the engine ends the answer with an error event",
    kinds: ["mid-stream-error", "server-error"],
    stretches: () => [],
    end: "error",
    boundMillis: atOnce
  }
} as const satisfies Record<string, Fault>

/** What a fault is called. */
export type FaultName = keyof typeof faults
