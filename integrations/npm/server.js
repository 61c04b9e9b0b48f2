// Pages that are rendered on a server have no custom elements: <also-see> is an unknown tag there.
export {};
