// The list beside a story, for server components and build time. Never throws: without the service
// there is an empty list, and the page is made all the same.

const SERVICE = process.env.ALSO_SEE_URL ?? "http://127.0.0.1:8000";
const SITE = process.env.ALSO_SEE_SITE ?? "main";
const PATIENCE_MS = 2000;

/** @returns {Promise<Array<{id: string, url: ?string, title: string, excerpt: ?string, image: ?object}>>} */
export async function related(article, parameters = {}) {
  const query = new URLSearchParams(parameters);
  const path = `/v1/${SITE}/articles/${encodeURIComponent(article)}/related?${query}`;
  try {
    const answer = await fetch(SERVICE + path, {
      signal: AbortSignal.timeout(PATIENCE_MS),
      next: { revalidate: 10 }, // as long as the service says
    });
    return answer.ok ? (await answer.json()).items : [];
  } catch {
    return [];
  }
}
