/**
 * What the stored rows do not tell, in sentences: what a reader might take from the figures and must not.
 *
 * Only what applies to this campaign is said, the most important first.
 */
import { attemptsOf, type BattleRow, hasTokenTimes, isCompleted } from "./CampaignRows.ts"
import type { Report } from "./Report.ts"

export const unknownsOf = (report: Omit<Report, "unknown">, rows: ReadonlyArray<BattleRow>): ReadonlyArray<string> => {
  const { attemptEnds, censored, epochs, header, latencies, passAtK, retries, scores, stalls, summary } = report
  const attempts = attemptsOf(rows)
  const completed = attempts.filter(isCompleted)
  const statements: Array<string> = []
  const say = (applies: boolean, statement: string) => {
    if (applies) statements.push(statement)
  }
  const { pending, unscored } = summary.battles
  say(
    pending > 0,
    `${battles(pending)} ${pending === 1 ? "is" : "are"} pending${
      header.isRunning ? " while the campaign runs" : ""
    }: every figure is of what has ended until now, and what ends sooner is in it sooner.`
  )
  say(
    unscored > 0,
    `${
      battles(unscored)
    } ended without a score. What they would have scored is not known; the columns beside the score ` +
      "say what it would be at the least and at the most."
  )
  say(
    header.stallPolicy !== "enforce",
    header.stallPolicy === "off"
      ? "Runs were not watched for stalls (stall policy off): that none is listed says nothing."
      : "Stalls were told and not ended (stall policy warn), and what was told is not stored: that none is listed says nothing."
  )
  const inferred = stalls.rows.filter(({ confidence }) => confidence === "inferred").length
  say(
    inferred > 0,
    `${inferred} of ${stalls.rows.length} stalls were inferred from silence alone, without evidence of the engine: such a ` +
      "run may have been slow and not hung."
  )
  const capped = attemptEnds.byVerdict.find(({ verdict }) => verdict === "slow")?.attempts ?? 0
  say(
    capped > 0,
    `The hard cap ended ${capped} ${capped === 1 ? "attempt" : "attempts"} that ${
      capped === 1 ? "was" : "were"
    } alive: ` +
      "what they would have come to, and how long the longest good attempt would have been, is not known."
  )
  const unconfirmed = stalls.rows.filter(({ cancel }) => cancel === "unconfirmed").length
  say(
    unconfirmed > 0,
    `Of ${unconfirmed} ${
      unconfirmed === 1 ? "stall" : "stalls"
    } it was not seen that the engine dropped the request: it ` +
      "may have gone on generating for nobody and slowed others."
  )
  const { curves } = report.counterfactual
  say(
    curves.some(({ good }) => good > 0),
    "What a retry after a fixed timeout would have done is not known: the counterfactual counts what would have been " +
      "killed, not what would have come of it."
  )
  say(
    stalls.rows.length > 0,
    "One hung engine ends many attempts at once, so stalls are not independent: the interval of their rate is too narrow " +
      "for another night."
  )
  const { censored: ended, n } = censored.completion.overall
  say(
    ended > 0,
    `${ended} of ${n} attempts have not come to an answer. The Kaplan–Meier curves take them as if they had had ` +
      "the prospects of the others; who was proved hung had none, and who failed had others."
  )
  say(
    retries.retried.battles > 0,
    "Battles that were tried again are those that went wrong at first, not a sample: how they would have scored at the " +
      "first try is not known."
  )
  const untimed = completed.filter((attempt) => !hasTokenTimes(attempt)).length
  say(
    untimed > 0,
    `Of ${untimed} of ${completed.length} completed attempts it is not known when each token came (polled, answered as a ` +
      "whole, or told in pieces of text): they are not in ITL and TPOT. A TTFT of theirs is that of the first text seen here."
  )
  const { deltas, usage } = latencies.overall.basis
  say(
    deltas > 0,
    `${deltas} of ${
      deltas + usage
    } completed attempts that tell tokens were counted as they came, one for each piece of ` +
      "text: their engine reported no number, and may have counted others."
  )
  const { coalesced } = latencies.overall.gapBasis
  say(
    (coalesced ?? 0) > 0.01,
    `${
      percent(coalesced ?? 0)
    } of arrivals brought several tokens at once. ITL counts each arrival as one gap, as vLLM's ` +
      "benchmark does; when each of those tokens was made is not known. TPOT counts tokens."
  )
  const abandoned = attemptEnds.byVerdict.find(({ verdict }) => verdict === "abandoned")?.attempts ?? 0
  say(
    abandoned > 0,
    `${abandoned} ${
      abandoned === 1 ? "attempt was" : "attempts were"
    } abandoned because the campaign's process was gone: ` +
      "how long they really ran is not known, only when something was last told of them."
  )
  say(
    epochs.rows.some(({ attempts, epoch }) => epoch === null && attempts > 0),
    "The engine of some attempts is not known: whether it was restarted, or served another model meanwhile, cannot be told."
  )
  say(
    epochs.mixedModelCells > 0,
    `${epochs.mixedModelCells} task–agent pairs were scored on more than one model of their engine: which model a score is ` +
      "of stands only in the rows."
  )
  say(
    scores.overall.score.scoredOnly.clusters === 1,
    "All scored battles are of one task: how the agents would do on others is not known, and no interval can say it."
  )
  const short = passAtK.byAgent.some(({ rows }) => rows.some(({ cellsLeftOut, k }) => k > 1 && cellsLeftOut > 0))
  say(
    short && summary.battles.scored > 0,
    "Some tasks have fewer scored repetitions than k: pass@k is over the other tasks, whose battles nothing went wrong with."
  )
  say(
    completed.length > 0 && latencies.overall.ttft.percentiles.some(({ value }) => value === null),
    "Where a percentile says \"not enough samples\", no sample bounds it: the number beside it says how many it takes."
  )
  say(
    attempts.length > 0,
    "Times are those at which tokens arrived at the campaign's process, past every agent and network between: not those at " +
      "which the engine made them."
  )
  return statements
}

const battles = (count: number): string => count === 1 ? "1 battle" : `${count} battles`

const percent = (share: number): string => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`
