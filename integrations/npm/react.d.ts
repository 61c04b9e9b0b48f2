import type { HTMLAttributes, ReactElement, ReactNode } from "react";
import type { AlsoSeeEvents, AlsoSeeProperties } from "also-see";

type OfThePage = Omit<HTMLAttributes<HTMLElement>, keyof AlsoSeeProperties | "onLoad" | "onError" | "onClick">;

export interface AlsoSeeProps extends Partial<AlsoSeeProperties>, OfThePage {
  prefetch?: boolean;
  children?: ReactNode;
  onLoad?(event: AlsoSeeEvents["also-see:load"]): void;
  onEmpty?(event: AlsoSeeEvents["also-see:empty"]): void;
  onError?(event: AlsoSeeEvents["also-see:error"]): void;
  onClick?(event: AlsoSeeEvents["also-see:click"]): void;
}

export function AlsoSee(props: AlsoSeeProps): ReactElement;
