/**
 * Where a call goes, as attributes of its span: host and port, and nothing else of the URL, which may hold a password.
 */
import { Attribute } from "./SpanNames.ts"

/** `server.address` and `server.port` of a URL; nothing of what is none. */
export const serverAttributes = (url: string): Readonly<Record<string, string | number>> => {
  const parsed = URL.parse(url)
  if (parsed === null || parsed.hostname === "") return {}
  const port = parsed.port === "" ? parsed.protocol === "https:" ? 443 : 80 : Number(parsed.port)
  return { [Attribute.serverAddress]: parsed.hostname, [Attribute.serverPort]: port }
}
