/**
 * The lists beside the strips: stalls with what proved them, the last attempts that ended, and what happened to the
 * campaign. Each is drawn again only when its list is another one.
 */
import type { Campaign, Ended, Notice } from "../Frame.ts"
import { fullName } from "./battleName.ts"
import { moment } from "./describeCampaign.ts"
import { endedSign, endedWords } from "./describeRow.ts"
import { groupStalls, groupWords, type StallGroup } from "./describeStall.ts"
import { byId, element, foreign, link, setText, syncChildren } from "./dom.ts"
import { singleLine } from "./harmless.ts"
import type { PageState } from "./PageState.ts"
import { clockTime, count, duration, listed, many, rate } from "./words.ts"

/** Items of each list that are shown: more are in the matrix, and a page of a thousand items is none. */
const STALLS_SHOWN = 5
/** Battles of one event that are named. */
const NAMED_SHOWN = 4
const ENDED_SHOWN = 8
const NOTICES_SHOWN = 8

export class EndedView {
  readonly #stalls = byId("stalls")
  readonly #ended = byId("verdicts")
  readonly #notices = byId("notices")
  #before: PageState | undefined

  show(state: PageState): void {
    const before = this.#before
    this.#before = state
    const { campaign, ended, notices, stalls, totals } = state
    if (before !== undefined && before.campaign !== campaign) {
      for (const list of [this.#stalls, this.#ended, this.#notices]) list.replaceChildren()
    }
    if (before?.ended !== ended || before.campaign !== campaign) {
      const groups = groupStalls(stalls).slice(0, STALLS_SHOWN)
      syncChildren(this.#stalls, groups, groupKey, (group) => stallItem(campaign, group))
      syncChildren(this.#ended, ended.slice(0, ENDED_SHOWN), keyOf, (each) => endedItem(campaign, each))
      const shown = groups.reduce((sum, { all }) => sum + all.length, 0)
      setText(byId("stalls-more"), stallsMore(totals.stalls, shown))
      setText(byId("verdicts-more"), ended.length === 0 ? "None so far." : "")
    }
    if (before?.notices !== notices) {
      syncChildren(
        this.#notices,
        notices.slice(0, NOTICES_SHOWN),
        ({ atMillis, text }) => `${atMillis} ${text}`,
        noticeItem
      )
      setText(byId("notices-more"), notices.length === 0 ? "Nothing so far." : "")
    }
  }
}

const stallsMore = (all: number, shown: number): string =>
  all === 0 ? "None so far." : all > shown ? `${many(all, "stall")} in all: ✕ in the matrix says where.` : ""

/** When something was: by the campaign's clock, or by the calendar where that had not begun. */
const timeWords = ({ origin }: Campaign, atMillis: number): string =>
  atMillis < 0 ? moment(origin + atMillis) : clockTime(atMillis)

const keyOf = ({ attempt, battle }: Ended): string => `${battle}/${attempt}`

const battleLink = (campaign: Campaign, ended: Ended) =>
  link({ kind: "battle", battle: ended.battle }, "battle-link", foreign(fullName(campaign, ended)))

/** A group that has grown is another one, so that it is drawn again. */
const groupKey = ({ all }: StallGroup): string => `${all.map(keyOf).join(" ")}`

const stallItem = (campaign: Campaign, group: StallGroup): HTMLElement => {
  const { all, stall } = group
  const rest = all.length - NAMED_SHOWN
  return element(
    "article",
    "stall",
    element(
      "p",
      "item-head",
      element("strong", "kind", `✕ ${singleLine(stall.kind, 40)}`),
      " ",
      element("span", `confidence ${stall.confidence}`, stall.confidence),
      element(
        "span",
        "dim",
        ` at ${timeWords(campaign, all[0].atMillis)}${all.length > 1 ? `, ${all.length} battles` : ""}`
      )
    ),
    ...all.slice(0, NAMED_SHOWN).map((ended) =>
      element(
        "p",
        "",
        battleLink(campaign, ended),
        ended.attempt > 1 && element("span", "dim", ` attempt ${ended.attempt}`)
      )
    ),
    rest > 0 && element("p", "dim", `and ${many(rest, "other")}`),
    element("p", "", groupWords(group)),
    element("p", "proof", singleLine(stall.proof, 300))
  )
}

const endedItem = (campaign: Campaign, ended: Ended): HTMLElement =>
  element(
    "article",
    "ended",
    element(
      "p",
      "item-head",
      element(
        "strong",
        `result ${ended.stall !== null && ended.result === "pending" ? "stalls" : ended.result}`,
        `${endedSign(ended)} ${endedWords(ended)}`
      ),
      " ",
      battleLink(campaign, ended)
    ),
    element(
      "p",
      "dim",
      listed([
        ended.tokens > 0 && many(ended.tokens, "token"),
        ended.tokensPerSecond !== null && `${rate(ended.tokensPerSecond)}/s`,
        duration(ended.durationMillis),
        ended.attempt > 1 && `attempt ${count(ended.attempt)}`
      ], " · ")
    ),
    // What a stall was has a list of its own.
    (ended.stall === null || ended.result !== "pending") && ended.reason !== "" &&
      element("p", "dim reason", singleLine(ended.reason, 240))
  )

const noticeItem = ({ atMillis, text, urgent }: Notice): HTMLElement =>
  element(
    "p",
    urgent ? "notice urgent" : "notice",
    element("span", "dim", clockTime(atMillis)),
    ` ${urgent ? "⚠ " : ""}${singleLine(text, 240)}`
  )
