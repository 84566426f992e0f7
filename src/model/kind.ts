/** The four media types an input can have. */
export const KINDS = ['image', 'video', 'text', 'audio'] as const;
export type Kind = (typeof KINDS)[number];
