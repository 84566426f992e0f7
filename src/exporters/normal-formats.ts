/** What media can be converted to in an export; each is of one kind. */
export const NORMAL_FORMATS = ['jpeg', 'png', 'wav', 'mp4'] as const;
export type NormalFormat = (typeof NORMAL_FORMATS)[number];
