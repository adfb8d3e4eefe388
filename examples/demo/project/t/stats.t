use strict;
use warnings;
use Test::More;
use Stats qw(total mean);

is(total(), 0, 'the total of nothing');
is(total(1, 2, 3), 6, 'a total');
is(total(-1, 1), 0, 'numbers that cancel out');
is(mean(2, 4), 3, 'a mean');
is(mean(), undef, 'no mean of nothing');

done_testing;
