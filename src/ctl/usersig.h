/* `reeltime usersig`: makes a UserSig or PrivateMapKey, or says what one holds. */
#ifndef CTL_USERSIG_H
#define CTL_USERSIG_H

/* Exit status: 0, 1 (a ticket that is not good), 2 (wrong use). */
int usersig_main(int argc, char **argv);

#endif
