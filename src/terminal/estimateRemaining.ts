/**
 * How long a campaign will still take: the work that is left, at the mean cost of a battle, shared by as many attempts
 * as run at once.
 *
 * The cost of a battle counts all its attempts. The battles that end first are the short ones, so battles in flight
 * take part in the mean, with their age where that is more than the mean of the others; and nothing is said before as
 * many have ended as run at once, or a quarter of the campaign. What is in flight counts with what is left of the mean,
 * so the estimate runs down with the clock instead of jumping at every end.
 */
import * as HashMap from "effect/HashMap"
import { mostAtOnce } from "../campaign/Definition.ts"
import { type CampaignView, planned } from "./CampaignView.ts"

/** Milliseconds from `now` to the end of the campaign; undefined while too few battles have ended, or none is left. */
export const estimateRemaining = (view: CampaignView, now: number): number | undefined => {
  const { battlesEnded, counts: { pending }, definition } = view
  if (definition === undefined || pending === 0) return undefined
  if (battlesEnded < Math.max(2, Math.min(mostAtOnce(definition), planned(view) / 4))) return undefined
  const ages = Array.from(HashMap.values(view.attempts), ({ beganAtMillis }) => Math.max(0, now - beganAtMillis))
  const ended = view.attemptMillis / battlesEnded
  const cost = ages.reduce((sum, age) => sum + Math.max(age, ended), view.attemptMillis) / (battlesEnded + ages.length)
  const left = ages.map((age) => Math.max(0, cost - age))
  const work = left.reduce((sum, each) => sum + each, Math.max(0, pending - ages.length) * cost)
  return Math.max(0, ...left, work / Math.min(mostAtOnce(definition), pending))
}
