// <AlsoSee article={id} /> in a server component: the box is in the HTML, with no script in the browser.
import { related } from "./also-see.mjs";

export default async function AlsoSee({ article, limit = 5, heading = "Also See" }) {
  const items = await related(article, { limit });
  if (!items.length) return null;
  return (
    <aside aria-label={heading}>
      <h2>{heading}</h2>
      <ol>
        {items.map((item) => (
          <li key={item.id} lang={item.language ?? undefined} dir="auto">
            {item.image && (
              <img src={item.image.url} alt={item.image.alt ?? ""} width={item.image.width ?? undefined}
                height={item.image.height ?? undefined} loading="lazy" />
            )}
            {item.url ? <a href={item.url}>{item.title}</a> : item.title}
            {item.excerpt && <p>{item.excerpt}</p>}
          </li>
        ))}
      </ol>
    </aside>
  );
}
