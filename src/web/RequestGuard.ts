/**
 * Who may ask a dashboard for what: a pure function of a request's head.
 *
 * - Only GET is answered.
 * - Without a token the dashboard is for this machine only, and the request must be for it by a name of this machine: a page
 *   of somebody else's whose name was made to resolve here (DNS rebinding) brings its own name in `Host`.
 * - With a token whoever has it may ask, by whatever name: as `Authorization: Bearer`, which the page sends once to
 *   `/api/session`, or as the cookie that it got for it there. The page's own files hold nothing, so they need none.
 * - Requests that another site's page makes are refused (`Origin`, `Sec-Fetch-Site`); following a link to here is allowed.
 *
 * The cookie is made from the token and is not the token: who has read it can look at this dashboard until it ends, and no
 * more. Both are compared by their digests, so that nothing of them shows in the time it takes.
 */
import * as Redacted from "effect/Redacted"
import { createHash, createHmac, timingSafeEqual } from "node:crypto"
import { isLoopbackHost } from "../a2a/AddressRule.ts"

export interface GuardOptions {
  /** What whoever asks must present; `undefined` where only this machine can. */
  readonly token: Redacted.Redacted | undefined
  /** Distinguishes the cookies of dashboards on one host, which share them. */
  readonly port: number
}

/** The head of a request, with headers by their names in lower case. */
export interface Asked {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
}

export interface Refusal {
  readonly status: 401 | 403 | 405 | 421
  readonly error: string
  readonly headers: Readonly<Record<string, string>>
}

export interface RequestGuard {
  /** Why the request is not answered; `undefined` where it is. */
  readonly refusalOf: (asked: Asked) => Refusal | undefined
  /** The value of `Set-Cookie` for a page that has presented the token; `undefined` where none is needed. */
  readonly cookie: string | undefined
}

const digest = (text: string): Uint8Array => createHash("sha256").update(text).digest()
const isSame = (one: string, other: string): boolean => timingSafeEqual(digest(one), digest(other))

const first = (value: string | ReadonlyArray<string> | undefined): string | undefined =>
  typeof value === "string" || value === undefined ? value : value[0]

/** The paths that hold anything of the campaign. */
const needsToken = (path: string): boolean => path === "/events" || path === "/metrics" || path.startsWith("/api/")

export const make = ({ port, token }: GuardOptions): RequestGuard => {
  const secret = token === undefined ? undefined : Redacted.value(token)
  const cookieName = `campaign-dashboard-${port}`
  const cookieValue = secret === undefined
    ? ""
    : createHmac("sha256", secret).update("campaign dashboard session").digest("hex")

  const isAllowed = ({ headers }: Asked): boolean => {
    if (secret === undefined) return true
    const bearer = /^bearer +(\S+) *$/i.exec(first(headers["authorization"]) ?? "")?.[1]
    if (bearer !== undefined) return isSame(bearer, secret)
    const presented = (first(headers["cookie"]) ?? "").split(/; */).find((one) => one.startsWith(`${cookieName}=`))
    return presented !== undefined && isSame(presented.slice(cookieName.length + 1), cookieValue)
  }

  const refusalOf = (asked: Asked): Refusal | undefined => {
    const { headers, method, path } = asked
    if (method !== "GET") {
      return { status: 405, error: "a dashboard is only looked at: use GET", headers: { allow: "GET" } }
    }
    const host = first(headers["host"]) ?? ""
    if (secret === undefined && !isOfThisMachine(host)) {
      return refused(
        421,
        "this dashboard is for this machine only; open it as http://127.0.0.1 or http://localhost, or start it with --host " +
          "and the token that this brings"
      )
    }
    const origin = first(headers["origin"])
    const isNavigation = first(headers["sec-fetch-mode"]) === "navigate" && !needsToken(path)
    const site = first(headers["sec-fetch-site"])
    if ((origin !== undefined && !isSameOrigin(origin, host)) || (isForeign(site) && !isNavigation)) {
      return refused(403, "pages of other sites may not ask this dashboard")
    }
    if (needsToken(path) && !isAllowed(asked)) {
      return {
        status: 401,
        error: path === "/metrics"
          ? "send the token of this dashboard as `Authorization: Bearer <token>`: CAMPAIGN_DASHBOARD_TOKEN, or what stands " +
            "behind #token= in the link that `campaign` printed"
          : "open the link that `campaign` printed when this dashboard began: it holds the token",
        headers: { "www-authenticate": "Bearer realm=\"campaign dashboard\"" }
      }
    }
    return undefined
  }

  return {
    refusalOf,
    cookie: secret === undefined
      ? undefined
      : `${cookieName}=${cookieValue}; HttpOnly; SameSite=Strict; Path=/`
  }
}

const refused = (status: 403 | 421, error: string): Refusal => ({ status, error, headers: {} })

const isForeign = (site: string | undefined): boolean => site === "cross-site" || site === "same-site"

/** The name in a `Host` header, without its port. */
const nameOf = (host: string): string => host.replace(/:\d*$/, "")

const isOfThisMachine = (host: string): boolean => {
  const name = nameOf(host).toLowerCase()
  return isLoopbackHost(name) || name.endsWith(".localhost")
}

const isSameOrigin = (origin: string, host: string): boolean =>
  URL.canParse(origin) && URL.canParse(`http://${host}`) && new URL(origin).host === new URL(`http://${host}`).host
