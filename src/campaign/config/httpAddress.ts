/**
 * Addresses that a campaign keeps: they are stored and shown, so that none may hold a name or a key.
 */
import * as Result from "effect/Result"

/** Why a text is no address of a campaign's. */
export type AddressFault =
  /** It is not an HTTP URL. */
  | "not-http"
  /** A user name or a key stands in it. */
  | "credentials"
  /** It goes on behind its path, where others would be put; keys are put there, too. Only an engine's may not. */
  | "query"

/** An HTTP address in its canonical form. */
export const httpAddress = (text: string): Result.Result<string, AddressFault> => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || (url.protocol !== "http:" && url.protocol !== "https:")) return Result.fail("not-http")
  return url.username !== "" || url.password !== "" ? Result.fail("credentials") : Result.succeed(url.href)
}

/**
 * The API address of an engine, without a slash at its end: `/v1` is where an OpenAI-compatible server has it when the
 * address names no path.
 */
export const engineAddress = (text: string): Result.Result<string, AddressFault> =>
  Result.flatMap(httpAddress(text), (address) => {
    const url = new URL(address)
    if (/[?#]/.test(address)) return Result.fail("query")
    if (url.pathname === "/") url.pathname = "/v1"
    return Result.succeed(url.href.replace(/\/$/, ""))
  })
