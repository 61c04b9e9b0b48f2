/** An article of a list, as the service's API has it. */
export interface AlsoSeeItem {
  id: string;
  url: string | null;
  title: string;
  excerpt: string | null;
  image: { url: string; width: number | null; height: number | null; alt: string | null } | null;
  published_at: string | null;
  section: string | null;
  tags: string[];
  authors: string[];
  language: string | null;
  [field: string]: unknown;
}

/** The service's answer. */
export interface AlsoSeeList {
  items: AlsoSeeItem[];
  recommendation_id: string;
  page_token?: string;
  [field: string]: unknown;
}

export interface AlsoSeeClick {
  item: AlsoSeeItem;
  /** 1 is the first card. */
  position: number;
  items: AlsoSeeItem[];
  /** The browser's event: which button, which keys. */
  event: MouseEvent;
}

/** What attributes and properties take: arrays are joined with commas, null and undefined remove. */
export type AlsoSeeValue = string | number | boolean | readonly string[] | null | undefined;

/** The attributes of `<also-see>` as properties; docs/WIDGET.md describes them. */
export type AlsoSeeProperty =
  | "site" | "article" | "url" | "list" | "layout" | "limit" | "heading" | "headingLevel" | "hosts" | "events"
  | "service" | "offset" | "section" | "tag" | "author" | "languages" | "exclude" | "publishedAfter"
  | "publishedBefore" | "surface" | "maxAge" | "mode" | "halfLife" | "diversity" | "story" | "maxPerSection"
  | "maxPerAuthor" | "maxPerSource" | "minScore" | "sort" | "fallback";

export type AlsoSeeProperties = { [name in AlsoSeeProperty]: AlsoSeeValue };

export interface AlsoSeeElement extends HTMLElement, AlsoSeeProperties {
  /** The list that is shown, if there is one. */
  readonly answer?: AlsoSeeList | null;
  /** Makes a new list if anything has changed that the present one depends on; rarely needed. */
  refresh(): Promise<void>;
}

export interface AlsoSeeEvents {
  "also-see:load": CustomEvent<AlsoSeeList>;
  "also-see:empty": CustomEvent<AlsoSeeList>;
  "also-see:error": CustomEvent<{ error: unknown }>;
  /** Cancelable: then the browser does not follow the link. */
  "also-see:click": CustomEvent<AlsoSeeClick>;
}

declare global {
  interface HTMLElementTagNameMap {
    "also-see": AlsoSeeElement;
  }
  interface HTMLElementEventMap extends AlsoSeeEvents {}
  interface DocumentEventMap extends AlsoSeeEvents {}
  interface WindowEventMap extends AlsoSeeEvents {}
}
