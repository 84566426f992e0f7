const WORDS =
  `a about after again air all along also always an and animal answer any around ask at away back be because been before
began being below between big book both boy but by call came can car carry change children city close come could country
cut day did different do does done down draw each earth eat end enough even every example eye face family far father feet
few find first follow food for form found four friend from gave get girl give go good great group grow hand hard has have
he head hear help her here high him his home house how idea if important in into is it keep kind know land large last
later learn leave left letter life light like line list little live long look made make man many may me mean men might
mile mountain move much must name near need never new next night no not now number of off often old on once one only open
or other our out over own page paper part people picture place plant play point put question quickly quite read really
right river run said same saw say school sea second see seem sentence set she should show side small so some something
sometimes song soon sound spell stand start state still stop story study such take talk tell than that the their them
then there these they thing think this those thought three through time to together too took tree try turn two under
until up us use very walk want was watch water way we well went were what when where which while white who why will with
without word work world would write year you young your`.split(/\s+/);

/** Texts of 200 to 400 characters, 300 on average, of common English words; always the same. */
export function sentences(count: number): string[] {
  let state = 20_26;
  const below = (limit: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  return Array.from({ length: count }, () => {
    const length = 197 + below(201);
    let text = '';
    while (text.length < length) text += `${WORDS[below(WORDS.length)]}${below(9) === 0 ? '. ' : ' '}`;
    return text.trim();
  });
}
