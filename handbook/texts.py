r"""Text to learn from, small enough to travel inside a script."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from handbook.checks import describe, require_generator, require_number

__all__ = ["load_devils_dictionary", "split_entries"]


def load_devils_dictionary() -> tuple[str, ...]:
    """Return short entries of Ambrose Bierce's satirical dictionary, in the order of the alphabet.

    Each entry is a headword in capitals, a part of speech, and one or more sentences. They are
    independent of each other, so that some can be kept for a test.

    Returns
    -------
    tuple of str
        322 entries, 36,140 characters in all. They are ASCII and hold no line break.

    Notes
    -----
    The book is from 1911, its author died about 1914, and it is in the public domain. This is a
    selection: entries of one paragraph with at most 420 characters, without verse, quotation marks
    and digits. Entries at the expense of a people, a faith or a sex are left out, as are those
    about violence. The spelling is that of the book.

    References
    ----------
    Bierce, "The Devil's Dictionary", 1911, in the public-domain edition of the Internet Wiretap,
    1993

    Examples
    --------
    >>> entries = load_devils_dictionary()
    >>> len(entries), sum(map(len, entries))
    (322, 36140)
    >>> entries[202]
    'NOVEMBER, n. The eleventh twelfth of a weariness.'
    """
    return tuple(" ".join(entry.split()) for entry in _DEVILS_DICTIONARY.strip().split("\n\n"))


def split_entries(
    entries: Sequence[str], *, test_share: float = 0.125, generator: torch.Generator
) -> tuple[str, str]:
    r"""Deal entries out at random to two texts: to learn from, and to be tested on.

    Parameters
    ----------
    entries : sequence of str
        Pieces of text that do not depend on each other, at least two.
    test_share : float, optional
        Which share of the entries goes into the test, between 0 and 1.
    generator : torch.Generator
        A CPU generator.

    Returns
    -------
    tuple of str
        The text of training and the text of the test: entries in random order, each with a line
        break behind it.

    Raises
    ------
    TypeError
        If ``entries`` is a single string or holds something else than strings, ``test_share`` is
        not a number, or ``generator`` not a :class:`torch.Generator`.
    ValueError
        If ``test_share`` lies outside (0, 1), or leaves one of the parts empty.

    Examples
    --------
    >>> generator = torch.Generator().manual_seed(0)
    >>> split_entries(["a", "b", "c", "d"], test_share=0.25, generator=generator)
    ('b\nd\nc\n', 'a\n')
    """
    if isinstance(entries, str) or not all(isinstance(entry, str) for entry in entries):
        raise TypeError(f"entries must be a sequence of str, got {describe(entries)}")
    test_share = require_number("test_share", test_share, above=0.0, below=1.0)
    require_generator("generator", generator)
    n_test = round(test_share * len(entries))
    if not 0 < n_test < len(entries):
        raise ValueError(
            f"test_share must leave an entry for each part, got {test_share} of {len(entries)}"
        )
    order = torch.randperm(len(entries), generator=generator, device="cpu").tolist()
    shuffled = [entries[place] + "\n" for place in order]
    return "".join(shuffled[n_test:]), "".join(shuffled[:n_test])


# A text of its own file would not come along with a script that is downloaded alone.
_DEVILS_DICTIONARY = """
ABASEMENT, n. A decent and customary mental attitude in the presence of wealth of power.
Peculiarly appropriate in an employee when addressing an employer.

ABATIS, n. Rubbish in front of a fort, to prevent the rubbish outside from molesting the rubbish
inside.

ABSENTEE, n. A person with an income who has had the forethought to remove himself from the
sphere of exaction.

ABSURDITY, n. A statement or belief manifestly inconsistent with one's own opinion.

ACADEME, n. An ancient school where morality and philosophy were taught.

ACCIDENT, n. An inevitable occurrence due to the action of immutable natural laws.

ACCOMPLICE, n. One associated with another in a crime, having guilty knowledge and complicity,
as an attorney who defends a criminal, knowing him guilty. This view of the attorney's position
in the matter has not hitherto commanded the assent of attorneys, no one having offered them a
fee for assenting.

ACCORD, n. Harmony.

ACCUSE, v.t. To affirm another's guilt or unworth; most commonly as a justification of ourselves
for having wronged him.

ACKNOWLEDGE, v.t. To confess. Acknowledgement of one another's faults is the highest duty
imposed by our love of truth.

ACQUAINTANCE, n. A person whom we know well enough to borrow from, but not well enough to lend
to. A degree of friendship called slight when its object is poor or obscure, and intimate when
he is rich or famous.

ACTUALLY, adv. Perhaps; possibly.

ADAGE, n. Boned wisdom for weak teeth.

ADAMANT, n. A mineral frequently found beneath a corset. Soluble in solicitate of gold.

ADDER, n. A species of snake. So called from its habit of adding funeral outlays to the other
expenses of living.

ADHERENT, n. A follower who has not yet obtained all that he expects to get.

ADMIRAL, n. That part of a war-ship which does the talking while the figure-head does the
thinking.

ADMIRATION, n. Our polite recognition of another's resemblance to ourselves.

ADORE, v.t. To venerate expectantly.

AFFIANCED, pp. Fitted with an ankle-ring for the ball-and-chain.

AGE, n. That period of life in which we compound for the vices that we still cherish by reviling
those that we have no longer the enterprise to commit.

AGITATOR, n. A statesman who shakes the fruit trees of his neighbors -- to dislodge the worms.

ALDERMAN, n. An ingenious criminal who covers his secret thieving with a pretence of open
marauding.

ALLIANCE, n. In international politics, the union of two thieves who have their hands so deeply
inserted in each other's pockets that they cannot separately plunder a third.

ALLIGATOR, n. The crocodile of America, superior in every detail to the crocodile of the effete
monarchies of the Old World. Herodotus says the Indus is, with one exception, the only river
that produces crocodiles, but they appear to have gone West and grown up with the other rivers.
From the notches on his back the alligator is called a sawrian.

AMBIDEXTROUS, adj. Able to pick with equal skill a right-hand pocket or a left.

AMNESTY, n. The state's magnanimity to those offenders whom it would be too expensive to punish.

ANTIPATHY, n. The sentiment inspired by one's friend's friend.

APOLOGIZE, v.i. To lay the foundation for a future offence.

APPEAL, v.t. In law, to put the dice into the box for another throw.

ARCHITECT, n. One who drafts a plan of your house, and plans a draft of your money.

ARDOR, n. The quality that distinguishes love without knowledge.

ARENA, n. In politics, an imaginary rat-pit in which the statesman wrestles with his record.

ARISTOCRACY, n. Government by the best men. (In this sense the word is obsolete; so is that kind
of government.) Fellows that wear downy hats and clean shirts -- guilty of education and
suspected of bank accounts.

ARMOR, n. The kind of clothing worn by a man whose tailor is a blacksmith.

ASPERSE, v.t. Maliciously to ascribe to another vicious actions which one has not had the
temptation and opportunity to commit.

AUCTIONEER, n. The man who proclaims with a hammer that he has picked a pocket with his tongue.

AUSTRALIA, n. A country lying in the South Sea, whose industrial and commercial development has
been unspeakably retarded by an unfortunate dispute among geographers as to whether it is a
continent or an island.

BACK, n. That part of your friend which it is your privilege to contemplate in your adversity.

BACKBITE, v.t. To speak of a man as you find him when he can't find you.

BAROMETER, n. An ingenious instrument which indicates what kind of weather we are having.

BARRACK, n. A house in which soldiers enjoy a portion of that of which it is their business to
deprive others.

BATTLE, n. A method of untying with the teeth of a political knot that would not yield to the
tongue.

BEFRIEND, v.t. To make an ingrate.

BEGGAR, n. One who has relied on the assistance of his friends.

BIGAMY, n. A mistake in taste for which the wisdom of the future will adjudge a punishment
called trigamy.

BILLINGSGATE, n. The invective of an opponent.

BLACKGUARD, n. A man whose qualities, prepared for display like a box of berries in a market --
the fine ones on top -- have been opened on the wrong side. An inverted gentleman.

BORE, n. A person who talks when you wish him to listen.

BOTANY, n. The science of vegetables -- those that are not good to eat, as well as those that
are. It deals largely with their flowers, which are commonly badly designed, inartistic in
color, and ill- smelling.

BOTTLE-NOSED, adj. Having a nose created in the image of its maker.

BOUNDARY, n. In political geography, an imaginary line between two nations, separating the
imaginary rights of one from the imaginary rights of the other.

CAABA, n. A large stone presented by the archangel Gabriel to the patriarch Abraham, and
preserved at Mecca. The patriarch had perhaps asked the archangel for bread.

CALAMITY, n. A more than commonly plain and unmistakable reminder that the affairs of this life
are not of our own ordering. Calamities are of two kinds: misfortune to ourselves, and good
fortune to others.

CANNON, n. An instrument employed in the rectification of national boundaries.

CARNIVOROUS, adj. Addicted to the cruelty of devouring the timorous vegetarian, his heirs and
assigns.

CAVILER, n. A critic of our own work.

COMFORT, n. A state of mind produced by contemplation of a neighbor's uneasiness.

COMMENDATION, n. The tribute that we pay to achievements that resembles, but do not equal, our
own.

COMMERCE, n. A kind of transaction in which A plunders from B the goods of C, and for
compensation B picks the pocket of D of money belonging to E.

COMPROMISE, n. Such an adjustment of conflicting interests as gives each adversary the
satisfaction of thinking he has got what he ought not to have, and is deprived of nothing except
what was justly his due.

COMPULSION, n. The eloquence of power.

CONDOLE, v.i. To show that bereavement is a smaller evil than sympathy.

CONGRATULATION, n. The civility of envy.

CONSERVATIVE, n. A statesman who is enamored of existing evils, as distinguished from the
Liberal, who wishes to replace them with others.

CONSOLATION, n. The knowledge that a better man is more unfortunate than yourself.

CONSULT, v.i. To seek another's disapproval of a course already decided on.

CONTEMPT, n. The feeling of a prudent man for an enemy who is too formidable safely to be
opposed.

CONVERSATION, n. A fair to the display of the minor mental commodities, each exhibitor being too
intent upon the arrangement of his own wares to observe those of his neighbor.

CORPORATION, n. An ingenious device for obtaining individual profit without individual
responsibility.

CREMONA, n. A high-priced violin made in Connecticut.

CURSE, v.t. Energetically to belabor with a verbal slap-stick. This is an operation which in
literature, particularly in the drama, is commonly fatal to the victim. Nevertheless, the
liability to a cursing is a risk that cuts but a small figure in fixing the rates of life
insurance.

CYNIC, n. A blackguard whose faulty vision sees things as they are, not as they ought to be.
Hence the custom among the Scythians of plucking out a cynic's eyes to improve his vision.

DARING, n. One of the most conspicuous qualities of a man in security.

DEBAUCHEE, n. One who has so earnestly pursued pleasure that he has had the misfortune to
overtake it.

DEFAME, v.t. To lie about another. To tell the truth about another.

DEFENCELESS, adj. Unable to attack.

DELIBERATION, n. The act of examining one's bread to determine which side it is buttered on.

DELUGE, n. A notable first experiment in baptism which washed away the sins (and sinners) of the
world.

DENTIST, n. A prestidigitator who, putting metal into your mouth, pulls coins out of your
pocket.

DEPENDENT, adj. Reliant upon another's generosity for the support which you are not in a
position to exact from his fears.

DIAGNOSIS, n. A physician's forecast of the disease by the patient's pulse and purse.

DIAPHRAGM, n. A muscular partition separating disorders of the chest from disorders of the
bowels.

DICTATOR, n. The chief of a nation that prefers the pestilence of despotism to the plague of
anarchy.

DICTIONARY, n. A malevolent literary device for cramping the growth of a language and making it
hard and inelastic. This dictionary, however, is a most useful work.

DISABUSE, v.t. The present your neighbor with another and better error than the one which he has
deemed it advantageous to embrace.

DISCRIMINATE, v.i. To note the particulars in which one person or thing is, if possible, more
objectionable than another.

DISCUSSION, n. A method of confirming others in their errors.

DISOBEDIENCE, n. The silver lining to the cloud of servitude.

DISTANCE, n. The only thing that the rich are willing for the poor to call theirs, and keep.

DISTRESS, n. A disease incurred by exposure to the prosperity of a friend.

DRAGOON, n. A soldier who combines dash and steadiness in so equal measure that he makes his
advances on foot and his retreats on horseback.

DUCK-BILL, n. Your account at your restaurant during the canvas-back season.

ECONOMY, n. Purchasing the barrel of whiskey that you do not need for the price of the cow that
you cannot afford.

EDIBLE, adj. Good to eat, and wholesome to digest, as a worm to a toad, a toad to a snake, a
snake to a pig, a pig to a man, and a man to a worm.

EFFECT, n. The second of two phenomena which always occur together in the same order. The first,
called a Cause, is said to generate the other -- which is no more sensible than it would be for
one who has never seen a dog except in the pursuit of a rabbit to declare the rabbit the cause
of a dog.

EJECTION, n. An approved remedy for the disease of garrulity. It is also much used in cases of
extreme poverty.

ELECTOR, n. One who enjoys the sacred privilege of voting for the man of another man's choice.

EMOTION, n. A prostrating disease caused by a determination of the heart to the head. It is
sometimes accompanied by a copious discharge of hydrated chloride of sodium from the eyes.

ENCOMIAST, n. A special (but not particular) kind of liar.

ENVELOPE, n. The coffin of a document; the scabbard of a bill; the husk of a remittance; the
bed-gown of a love-letter.

ENVY, n. Emulation adapted to the meanest capacity.

EPICURE, n. An opponent of Epicurus, an abstemious philosopher who, holding that pleasure should
be the chief aim of man, wasted no time in gratification from the senses.

FELON, n. A person of greater enterprise than discretion, who in embracing an opportunity has
formed an unfortunate attachment.

FICKLENESS, n. The iterated satiety of an enterprising affection.

FIDELITY, n. A virtue peculiar to those who are about to be betrayed.

FINANCE, n. The art or science of managing revenues and resources for the best advantage of the
manager. The pronunciation of this word with the i long and the accent on the first syllable is
one of America's most precious discoveries and possessions.

FOREFINGER, n. The finger commonly used in pointing out two malefactors.

FREEBOOTER, n. A conqueror in a small way of business, whose annexations lack of the sanctifying
merit of magnitude.

FRIENDLESS, adj. Having no favors to bestow. Destitute of fortune. Addicted to utterance of
truth and common sense.

FUTURE, n. That period of time in which our affairs prosper, our friends are true and our
happiness is assured.

GENEROUS, adj. Originally this word meant noble by birth and was rightly applied to a great
multitude of persons. It now means noble by nature and is taking a bit of a rest.

GENEALOGY, n. An account of one's descent from an ancestor who did not particularly care to
trace his own.

GLUTTON, n. A person who escapes the evils of moderation by committing dyspepsia.

GOOD, adj. Sensible, madam, to the worth of this present writer. Alive, sir, to the advantages
of letting him alone.

GOUT, n. A physician's name for the rheumatism of a rich patient.

GRACES, n. Three beautiful goddesses, Aglaia, Thalia and Euphrosyne, who attended upon Venus,
serving without salary. They were at no expense for board and clothing, for they ate nothing to
speak of and dressed according to the weather, wearing whatever breeze happened to be blowing.

GRAMMAR, n. A system of pitfalls thoughtfully prepared for the feet for the self-made man, along
the path by which he advances to distinction.

GRAVITATION, n. The tendency of all bodies to approach one another with a strength proportion to
the quantity of matter they contain -- the quantity of matter they contain being ascertained by
the strength of their tendency to approach one another. This is a lovely and edifying
illustration of how science, having made A the proof of B, makes B the proof of A.

HABIT, n. A shackle for the free.

HAND, n. A singular instrument worn at the end of the human arm and commonly thrust into
somebody's pocket.

HAPPINESS, n. An agreeable sensation arising from contemplating the misery of another.

HARANGUE, n. A speech by an opponent, who is known as an harrangue- outang.

HARBOR, n. A place where ships taking shelter from stores are exposed to the fury of the
customs.

HATRED, n. A sentiment appropriate to the occasion of another's superiority.

HEMP, n. A plant from whose fibrous bark is made an article of neckwear which is frequently put
on after public speaking in the open air and prevents the wearer from taking cold.

HERMIT, n. A person whose vices and follies are not sociable.

HIPPOGRIFF, n. An animal (now extinct) which was half horse and half griffin. The griffin was
itself a compound creature, half lion and half eagle. The hippogriff was actually, therefore, a
one-quarter eagle, which is two dollars and fifty cents in gold. The study of zoology is full of
surprises.

HISTORIAN, n. A broad-gauge gossip.

HOMOEOPATHIST, n. The humorist of the medical profession.

HOSPITALITY, n. The virtue which induces us to feed and lodge certain persons who are not in
need of food and lodging.

HOUSELESS, adj. Having paid all taxes on household goods.

HURRICANE, n. An atmospheric demonstration once very common but now generally abandoned for the
tornado and cyclone. The hurricane is still in popular use in the West Indies and is preferred
by certain old-fashioned sea-captains. It is also used in the construction of the upper decks of
steamboats, but generally speaking, the hurricane's usefulness has outlasted it.

HURRY, n. The dispatch of bunglers.

HYDRA, n. A kind of animal that the ancients catalogued under many heads.

ILLUSTRIOUS, adj. Suitably placed for the shafts of malice, envy and detraction.

IMAGINATION, n. A warehouse of facts, with poet and liar in joint ownership.

IMPARTIAL, adj. Unable to perceive any promise of personal advantage from espousing either side
of a controversy or adopting either of two conflicting opinions.

IMPROVIDENCE, n. Provision for the needs of to-day from the revenues of to-morrow.

IMPUNITY, n. Wealth.

INCOMPATIBILITY, n. In matrimony a similarity of tastes, particularly the taste for domination.
Incompatibility may, however, consist of a meek-eyed matron living just around the corner. It
has even been known to wear a moustache.

INCUMBENT, n. A person of the liveliest interest to the outcumbents.

INEXPEDIENT, adj. Not calculated to advance one's interests.

INJURY, n. An offense next in degree of enormity to a slight.

INJUSTICE, n. A burden which of all those that we load upon others and carry ourselves is
lightest in the hands and heaviest upon the back.

INSURRECTION, n. An unsuccessful revolution. Disaffection's failure to substitute misrule for
bad government.

INTENTION, n. The mind's sense of the prevalence of one set of influences over another set; an
effect whose cause is the imminence, immediate or remote, of the performance of an involuntary
act.

INTERPRETER, n. One who enables two persons of different languages to understand each other by
repeating to each what it would have been to the interpreter's advantage for the other to have
said.

INTERREGNUM, n. The period during which a monarchical country is governed by a warm spot on the
cushion of the throne. The experiment of letting the spot grow cold has commonly been attended
by most unhappy results from the zeal of many worthy persons to make it warm again.

INVENTOR, n. A person who makes an ingenious arrangement of wheels, levers and springs, and
believes it civilization.

JEALOUS, adj. Unduly concerned about the preservation of that which can be lost only if not
worth keeping.

KINDNESS, n. A brief preface to ten volumes of exaction.

KLEPTOMANIAC, n. A rich thief.

LANGUAGE, n. The music with which we charm the serpents guarding another's treasure.

LAWFUL, adj. Compatible with the will of a judge having jurisdiction.

LAWYER, n. One skilled in circumvention of the law.

LAZINESS, n. Unwarranted repose of manner in a person of low degree.

LEARNING, n. The kind of ignorance distinguishing the studious.

LECTURER, n. One with his hand in your pocket, his tongue in your ear and his faith in your
patience.

LEGACY, n. A gift from one who is legging it out of this vale of tears.

LIAR, n. A lawyer with a roving commission.

LIGHTHOUSE, n. A tall building on the seashore in which the government maintains a lamp and the
friend of a politician.

LITIGANT, n. A person about to give up his skin for the hope of retaining his bones.

LITIGATION, n. A machine which you go into as a pig and come out of as a sausage.

LOCK-AND-KEY, n. The distinguishing device of civilization and enlightenment.

LONGANIMITY, n. The disposition to endure injury with meek forbearance while maturing a plan of
revenge.

LOQUACITY, n. A disorder which renders the sufferer unable to curb his tongue when you wish to
talk.

LUMINARY, n. One who throws light upon a subject; as an editor by not writing about it.

MACE, n. A staff of office signifying authority. Its form, that of a heavy club, indicates its
original purpose and use in dissuading from dissent.

MAGIC, n. An art of converting superstition into coin. There are other arts serving the same
high purpose, but the discreet lexicographer does not name them.

MAGNET, n. Something acted upon by magnetism.

MAGNIFICENT, adj. Having a grandeur or splendor superior to that to which the spectator is
accustomed, as the ears of an ass, to a rabbit, or the glory of a glowworm, to a maggot.

MAGPIE, n. A bird whose thievish disposition suggested to someone that it might be taught to
talk.

MAJESTY, n. The state and title of a king. Regarded with a just contempt by the Most Eminent
Grand Masters, Grand Chancellors, Great Incohonees and Imperial Potentates of the ancient and
honorable orders of republican America.

MALTHUSIAN, adj. Pertaining to Malthus and his doctrines. Malthus believed in artificially
limiting population, but found that it could not be done by talking. One of the most practical
exponents of the Malthusian idea was Herod of Judea, though all the famous soldiers have been of
the same way of thinking.

MANICHEISM, n. The ancient Persian doctrine of an incessant warfare between Good and Evil. When
Good gave up the fight the Persians joined the victorious Opposition.

MAUSOLEUM, n. The final and funniest folly of the rich.

MEANDER, n. To proceed sinuously and aimlessly. The word is the ancient name of a river about
one hundred and fifty miles south of Troy, which turned and twisted in the effort to get out of
hearing when the Greeks and Trojans boasted of their prowess.

MENDACIOUS, adj. Addicted to rhetoric.

MERCHANT, n. One engaged in a commercial pursuit. A commercial pursuit is one in which the thing
pursued is a dollar.

MERCY, n. An attribute beloved of detected offenders.

MESMERISM, n. Hypnotism before it wore good clothes, kept a carriage and asked Incredulity to
dinner.

METROPOLIS, n. A stronghold of provincialism.

MILLENNIUM, n. The period of a thousand years when the lid is to be screwed down, with all
reformers on the under side.

MINE, adj. Belonging to me if I can hold or seize it.

MINISTER, n. An agent of a higher power with a lower responsibility. In diplomacy and officer
sent into a foreign country as the visible embodiment of his sovereign's hostility. His
principal qualification is a degree of plausible inveracity next below that of an ambassador.

MINOR, adj. Less objectionable.

MIRACLE, n. An act or event out of the order of nature and unaccountable, as beating a normal
hand of four kings and an ace with four aces and a king.

MISERICORDE, n. A dagger which in mediaeval warfare was used by the foot soldier to remind an
unhorsed knight that he was mortal.

MISFORTUNE, n. The kind of fortune that never misses.

MORE, adj. The comparative degree of too much.

MUGWUMP, n. In politics one afflicted with self-respect and addicted to the vice of
independence. A term of contempt.

MYRMIDON, n. A follower of Achilles -- particularly when he didn't lead.

NEIGHBOR, n. One whom we are commanded to love as ourselves, and who does all he knows how to
make us disobedient.

NEPOTISM, n. Appointing your grandmother to office for the good of the party.

NEWTONIAN, adj. Pertaining to a philosophy of the universe invented by Newton, who discovered
that an apple will fall to the ground, but was unable to say why. His successors and disciples
have advanced so far as to be able to say when.

NIHILIST, n. A Russian who denies the existence of anything but Tolstoi. The leader of the
school is Tolstoi.

NOISE, n. A stench in the ear. Undomesticated music. The chief product and authenticating sign
of civilization.

NOMINATE, v. To designate for the heaviest political assessment. To put forward a suitable
person to incur the mudgobbling and deadcatting of the opposition.

NOMINEE, n. A modest gentleman shrinking from the distinction of private life and diligently
seeking the honorable obscurity of public office.

NONSENSE, n. The objections that are urged against this excellent dictionary.

NOTORIETY, n. The fame of one's competitor for public honors. The kind of renown most accessible
and acceptable to mediocrity. A Jacob's-ladder leading to the vaudeville stage, with angels
ascending and descending.

NOVEMBER, n. The eleventh twelfth of a weariness.

OBLIVION, n. The state or condition in which the wicked cease from struggling and the dreary are
at rest. Fame's eternal dumping ground. Cold storage for high hopes. A place where ambitious
authors meet their works without pride and their betters without envy. A dormitory without an
alarm clock.

OBSERVATORY, n. A place where astronomers conjecture away the guesses of their predecessors.

OMEN, n. A sign that something will happen if nothing happens.

ONCE, adv. Enough.

OPIATE, n. An unlocked door in the prison of Identity. It leads into the jail yard.

OPPORTUNITY, n. A favorable occasion for grasping a disappointment.

ORATORY, n. A conspiracy between speech and action to cheat the understanding. A tyranny
tempered by stenography.

OTHERWISE, adv. No better.

OUTCOME, n. A particular type of disappointment. By the kind of intelligence that sees in an
exception a proof of the rule the wisdom of an act is judged by the outcome, the result. This is
immortal nonsense; the wisdom of an act is to be juded by the light that the doer had when he
performed it.

OUTDO, v.t. To make an enemy.

OVERWORK, n. A dangerous disorder affecting high public functionaries who want to go fishing.

OYSTER, n. A slimy, gobby shellfish which civilization gives men the hardihood to eat without
removing its entrails! The shells are sometimes given to the poor.

PANDEMONIUM, n. Literally, the Place of All the Demons. Most of them have escaped into politics
and finance, and the place is now used as a lecture hall by the Audible Reformer. When disturbed
by his voice the ancient echoes clamor appropriate responses most gratifying to his pride of
distinction.

PANTOMIME, n. A play in which the story is told without violence to the language. The least
disagreeable form of dramatic action.

PARDON, v. To remit a penalty and restore to the life of crime. To add to the lure of crime the
temptation of ingratitude.

PASSPORT, n. A document treacherously inflicted upon a citizen going abroad, exposing him as an
alien and pointing him out for special reprobation and outrage.

PASTIME, n. A device for promoting dejection. Gentle exercise for intellectual debility.

PATIENCE, n. A minor form of despair, disguised as a virtue.

PEDESTRIAN, n. The variable (an audible) part of the roadway for an automobile.

PEDIGREE, n. The known part of the route from an arboreal ancestor with a swim bladder to an
urban descendant with a cigarette.

PENITENT, adj. Undergoing or awaiting punishment.

PERIPATETIC, adj. Walking about. Relating to the philosophy of Aristotle, who, while expounding
it, moved from place to place in order to avoid his pupil's objections. A needless precaution --
they knew no more of the matter than he.

PERORATION, n. The explosion of an oratorical rocket. It dazzles, but to an observer having the
wrong kind of nose its most conspicuous peculiarity is the smell of the several kinds of powder
used in preparing it.

PESSIMISM, n. A philosophy forced upon the convictions of the observer by the disheartening
prevalence of the optimist with his scarecrow hope and his unsightly smile.

PHILANTHROPIST, n. A rich (and usually bald) old gentleman who has trained himself to grin while
his conscience is picking his pocket.

PHILISTINE, n. One whose mind is the creature of its environment, following the fashion in
thought, feeling and sentiment. He is sometimes learned, frequently prosperous, commonly clean
and always solemn.

PHILOSOPHY, n. A route of many roads leading from nowhere to nothing.

PHOTOGRAPH, n. A picture painted by the sun without instruction in art. It is a little better
than the work of an Apache, but not quite so good as that of a Cheyenne.

PHRENOLOGY, n. The science of picking the pocket through the scalp. It consists in locating and
exploiting the organ that one is a dupe with.

PHYSICIAN, n. One upon whom we set our hopes when ill and our dogs when well.

PIANO, n. A parlor utensil for subduing the impenitent visitor. It is operated by pressing the
keys of the machine and the spirits of the audience.

PILLORY, n. A mechanical device for inflicting personal distinction -- prototype of the modern
newspaper conducted by persons of austere virtues and blameless lives.

PITIFUL, adj. The state of an enemy of opponent after an imaginary encounter with oneself.

PITY, n. A failing sense of exemption, inspired by contrast.

PLAGIARISM, n. A literary coincidence compounded of a discreditable priority and an honorable
subsequence.

PLAGIARIZE, v. To take the thought or style of another writer whom one has never, never read.

PLAN, v.t. To bother about the best method of accomplishing an accidental result.

PLAUDITS, n. Coins with which the populace pays those who tickle and devour it.

PLEASE, v. To lay the foundation for a superstructure of imposition.

PLEASURE, n. The least hateful form of dejection.

PLEBISCITE, n. A popular vote to ascertain the will of the sovereign.

PLENIPOTENTIARY, adj. Having full power. A Minister Plenipotentiary is a diplomatist possessing
absolute authority on condition that he never exert it.

PLEONASM, n. An army of words escorting a corporal of thought.

PLOW, n. An implement that cries aloud for hands accustomed to the pen.

POETRY, n. A form of expression peculiar to the Land beyond the Magazines.

POKER, n. A game said to be played with cards for some purpose to this lexicographer unknown.

POLICE, n. An armed force for protection and participation.

POLITENESS, n. The most acceptable hypocrisy.

POLITICS, n. A strife of interests masquerading as a contest of principles. The conduct of
public affairs for private advantage.

POLITICIAN, n. An eel in the fundamental mud upon which the superstructure of organized society
is reared. When he wriggles he mistakes the agitation of his tail for the trembling of the
edifice. As compared with the statesman, he suffers the disadvantage of being alive.

POLYGAMY, n. A house of atonement, or expiatory chapel, fitted with several stools of
repentance, as distinguished from monogamy, which has but one.

POSITIVE, adj. Mistaken at the top of one's voice.

POSITIVISM, n. A philosophy that denies our knowledge of the Real and affirms our ignorance of
the Apparent. Its longest exponent is Comte, its broadest Mill and its thickest Spencer.

POSTERITY, n. An appellate court which reverses the judgment of a popular author's
contemporaries, the appellant being his obscure competitor.

POVERTY, n. A file provided for the teeth of the rats of reform. The number of plans for its
abolition equals that of the reformers who suffer from it, plus that of the philosophers who
know nothing about it. Its victims are distinguished by possession of all the virtues and by
their faith in leaders seeking to conduct them into a prosperity where they believe these to be
unknown.

PREDICAMENT, n. The wage of consistency.

PREDILECTION, n. The preparatory stage of disillusion.

PRE-EXISTENCE, n. An unnoted factor in creation.

PREJUDICE, n. A vagrant opinion without visible means of support.

PREROGATIVE, n. A sovereign's right to do wrong.

PRESCRIPTION, n. A physician's guess at what will best prolong the situation with least harm to
the patient.

PRESENT, n. That part of eternity dividing the domain of disappointment from the realm of hope.

PREVARICATOR, n. A liar in the caterpillar estate.

PRICE, n. Value, plus a reasonable sum for the wear and tear of conscience in demanding it.

PRIVATE, n. A military gentleman with a field-marshal's baton in his knapsack and an impediment
in his hope.

PROOF, n. Evidence having a shade more of plausibility than of unlikelihood. The testimony of
two credible witnesses as opposed to that of only one.

PROOF-READER, n. A malefactor who atones for making your writing nonsense by permitting the
compositor to make it unintelligible.

PROPHECY, n. The art and practice of selling one's credibility for future delivery.

PROVIDENTIAL, adj. Unexpectedly and conspicuously beneficial to the person so describing it.

PUBLISH, n. In literary affairs, to become the fundamental element in a cone of critics.

PUSH, n. One of the two things mainly conducive to success, especially in politics. The other is
Pull.

PYRRHONISM, n. An ancient philosophy, named for its inventor. It consisted of an absolute
disbelief in everything but Pyrrhonism. Its modern professors have added that.

QUOTIENT, n. A number showing how many times a sum of money belonging to one person is contained
in the pocket of another -- usually about as many times as it can be got there.

RANSOM, n. The purchase of that which neither belongs to the seller, nor can belong to the
buyer. The most unprofitable of investments.

RATIONAL, adj. Devoid of all delusions save those of observation, experience and reflection.

RADICALISM, n. The conservatism of to-morrow injected into the affairs of to-day.

RAILROAD, n. The chief of many mechanical devices enabling us to get away from where we are to
where we are no better off. For this purpose the railroad is held in highest favor by the
optimist, for it permits him to make the transit with great expedition.

REALISM, n. The art of depicting nature as it is seen by toads. The charm suffusing a landscape
painted by a mole, or a story written by a measuring-worm.

REALITY, n. The dream of a mad philosopher. That which would remain in the cupel if one should
assay a phantom. The nucleus of a vacuum.

REALLY, adv. Apparently.

REASON, v.i. To weight probabilities in the scales of desire.

REASONABLE, adj. Accessible to the infection of our own opinions. Hospitable to persuasion,
dissuasion and evasion.

REBEL, n. A proponent of a new misrule who has failed to establish it.

RECOLLECT, v. To recall with additions something not previously known.

RECONSIDER, v. To seek a justification for a decision already made.

RECREATION, n. A particular kind of dejection to relieve a general fatigue.

REFERENDUM, n. A law for submission of proposed legislation to a popular vote to learn the
nonsensus of public opinion.

REFLECTION, n. An action of the mind whereby we obtain a clearer view of our relation to the
things of yesterday and are able to avoid the perils that we shall not again encounter.

REFORM, v. A thing that mostly satisfies reformers opposed to reformation.

REPARATION, n. Satisfaction that is made for a wrong and deducted from the satisfaction felt in
committing it.

REPOSE, v.i. To cease from troubling.

REPRESENTATIVE, n. In national politics, a member of the Lower House in this world, and without
discernible hope of promotion in the next.

RESIDENT, adj. Unable to leave.

RESOLUTE, adj. Obstinate in a course that we approve.

RESPIRATOR, n. An apparatus fitted over the nose and mouth of an inhabitant of London, whereby
to filter the visible universe in its passage to the lungs.

RESTITUTIONS, n. The founding or endowing of universities and public libraries by gift or
bequest.

RESTITUTOR, n. Benefactor; philanthropist.

RETALIATION, n. The natural rock upon which is reared the Temple of Law.

RIBALDRY, n. Censorious language by another concerning oneself.

RIBROASTER, n. Censorious language by oneself concerning another. The word is of classical
refinement, and is even said to have been used in a fable by Georgius Coadjutor, one of the most
fastidious writers of the fifteenth century -- commonly, indeed, regarded as the founder of the
Fastidiotic School.

ROSTRUM, n. In Latin, the beak of a bird or the prow of a ship. In America, a place from which a
candidate for office energetically expounds the wisdom, virtue and power of the rabble.

RUM, n. Generically, fiery liquors that produce madness in total abstainers.

SATIETY, n. The feeling that one has for the plate after he has eaten its contents, madam.

SAUCE, n. The one infallible sign of civilization and enlightenment. A people with no sauces has
one thousand vices; a people with one sauce has only nine hundred and ninety-nine. For every
sauce invented and accepted a vice is renounced and forgiven.

SCEPTER, n. A king's staff of office, the sign and symbol of his authority. It was originally a
mace with which the sovereign admonished his jester and vetoed ministerial measures by breaking
the bones of their proponents.

SCRIBBLER, n. A professional writer whose views are antagonistic to one's own.

SELF-ESTEEM, n. An erroneous appraisement.

SELF-EVIDENT, adj. Evident to one's self and to nobody else.

SELFISH, adj. Devoid of consideration for the selfishness of others.

TAKE, v.t. To acquire, frequently by force but preferably by stealth.

TALK, v.t. To commit an indiscretion without temptation, from an impulse without purpose.

TEETOTALER, n. One who abstains from strong drink, sometimes totally, sometimes tolerably
totally.

TELESCOPE, n. A device having a relation to the eye similar to that of the telephone to the ear,
enabling distant objects to plague us with a multitude of needless details. Luckily it is
unprovided with a bell summoning us to the sacrifice.

TRUCE, n. Friendship.

TRUTH, n. An ingenious compound of desirability and appearance. Discovery of truth is the sole
purpose of philosophy, which is the most ancient occupation of the human mind and has a fair
prospect of existing with increasing activity to the end of time.

TWICE, adv. Once too often.

VIRTUES, n.pl. Certain abstentions.

VITUPERATION, n. Saite, as understood by dunces and all such as suffer from an impediment in
their wit.

YEAR, n. A period of three hundred and sixty-five disappointments.
"""
