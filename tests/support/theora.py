"""Writes Theora in Ogg by hand, because FFmpeg has no Theora encoder of its own."""

import base64
import struct
import zlib
from collections.abc import Sequence
from typing import Final

RATE: Final = 25
KEYFRAME: Final = bytes.fromhex("06047d83bd7752888000")
"""A red frame, 32 x 32."""

# 32 x 32, 25 frames per second. The granule position counts frames since the keyframe in 6 bits.
_ABOUT: Final = bytes.fromhex(
    "807468656f726103020100020002000020000020000000000019000000010000010000010000000018c0"
)
_SHIFT: Final = 6
_COMMENTS: Final = b"\x81theora" + struct.pack("<II", 0, 0)
# The tables of libtheora.
_SETUP: Final = zlib.decompress(
    base64.b85decode(
        "c-p1Ydpwiv9|v$l&SK6bG*)sbEkX_t6B|O?9BLwliL{zCCFeOVB1=+v91_A~ay|}?wwzW%OSR=xDTFA|e)I5q{r>wse>|T*u"
        "J`@D?$`JAx~}`W?)VTt?3Ex)$H1Yr=79i(`f?jv$>4i45F#q41SA9@dPydNgv@#V8z8RQ@j~{q4Hv16h!f{7&1io2d+c;bS_"
        "AAV`8)DN{taJ8;fPvija#YU_&q{VCQ2Cs#n9L`7fl&qelHMrVxL$NZ<l$Bp{yKpT0c@dlZw&lOCU82di~{+R&Nn^EZeG3V)j"
        ";E(<t_6Zu$XKo?*5%=w@<H*Es8<o`NXVtI+%=OjVLQL3!q>EhCf=XI``TZ$qJc13{sP;bArqghZONSlkkcM6dxs2v;NkxHTe"
        "?Ajr1c<Nv}#Ap@XUWD2(*gzW07VKKO6R~Lm1fMCcBMi&smt=Mb^G>+WG;L07ja32_d%iyUg1jHxk4pS&>NO5rwp4%UvkmDH3"
        "24Y?w59MQnyc|nlqaloV-H=^!$+A5%{L^9Kxk*k0>Z-Z`EDZ8*0|Ftl3b_G6F<TTOF@KkZ+v7h62*NB`SXe+o(0J7?G4WCsT"
        "P|%?{~Ra~6u+vkuMYtsOAc-sSDeH}|Jce__0NGI|7Aej4-goaMc$!n2gVMJ9T+>XcVO?p1_FW5z`}08HoTy1RFT`DklUb;+n"
        "}<x$u8QV5C8x`<GOj{wn^B5e+PcRHvE8X1bDX*+ChjX>bzUX_45;7%yg=2_WG(v5fr;#NnZ=<w`$2SphQngS+;kPv)5mt^!l"
        "r*<B7u0y1pve<ql%%ABz(!P;I}$C1}Pe{(0`{WPY72c+z9UC7-tFpn0z|@VZEK;WcM#XxdCUm+Ibl-JBN*Oq0205QRSKedV5"
        "6+G3m3a^r@&QmHay7G>GX`+3yY5fRX_=P(Gq8h2IZ8@az#&3qnl4Sqi;9~WM8W|t;Wr~}MNx2g=1XtFfU_m~IyD~eG`e;PR0"
        "P9fH=7-fHVA_*-UI*=;Ij~Ju@-Q!B)XdjYWL*H|JdY8sE1fNjq=8QA6UA!e?=^3yamM>`aoRNpkulJpeQc>rBL92^6%+me*Q"
        "O<?m)tg4zdL>+?-1bFa#EQc={`0zUbK;lvbDmZBgSYKNsDK%V1!wD6@Yvi$yTifUi{gV%Fj6B1qFUl+RAqQHz9Ktk7vsLq(_"
        "#+-DV;`p$b{c-3YJU`oWG><31@Xks2We5LtBwD!5(kILHZ-t?+|+m&DMPy_NF1!64B_E<*zm~(ac24=9-VLK5Gu5cYb6Ih03"
        "C|D?JWfUx;O<a>hy{V5&E<Ju(x_BgQWyJVocwWwD=?6{A`T9kk9p2ntJCAz8kF|15<`&&Ur}Q<9e-1>(|Xhea;>`{Ab*?6sK"
        "SWjCTh|K8@L)mx<TUY6RMHNimM3w5W|?>jxxRUbZ#X_7G37dg0!Rt*sUI;%zX^_(8L>eIx@Oe=To=2>4oDm^t3z&vuVTe~V4"
        "z}E6gZO=9pMR&5DRdb(SG2Xb}>!&R{@iz9N9S&YglXgf)pGfRoCpZzCjRvJRF7E~=QpM|6-HplaC5pL&Qju~hLYgSpg6PRr4"
        "U;PG)V?D{Cxh|*dl7Fud~>ya%QW5d8Ylw$B)<4s)n{=37i;|$DLw_y3Cu+}X_grK2|r}o`^~WL8BqSH+xWiE{j5u5;@5sM3#"
        "Ez>FU>{k5n|wi%@K7y9q>^t$OV-t;rS~Fw7YG%@VpxTKz**wF+x{N$8N$NHuHUko!4)Gv%0F?9q%cDc?qw&&?Wic6gr^ciT{"
        "!C>P@Uyg|$n2L6D$CvGS2k>;<c(uqjN69<K5=z4#EpsS%J5V@?wruM6`f6TZmU|45_y8ymT<hD4=kqF7fUiWh06A()sj#X^^"
        "Q)2Dtd%BS|{bD9Muj=wdXQ3u<XB?*M4YdB{GpL~STtG%W&JMO9?`Ljo{ztPMX{+DjLmYd%v$%DE6rp3H>iL5%;4!&8H#(Uy2"
        "Qc?~19#P#axO~(!8f$y@NvKfNa}j5imLx#1vf?P(KSHV$S9up+pq{}nEyAyVcHUPjzBTor_xEC0DlA$F)BQ$-b=h0&gW%9lM"
        "?}5Y<P)ZVw@rS4cAim3E%n_#1y-7A?-ZwcdY9FHAN^OlcGHC!N-b%%PtBCoOtaVIZVXq+m+jH(f8%!6-po&S+!2vJS$;w#`&"
        "Y;nLs^tjXX1>)(jRr8;?7|)h5)m~{z%sJCoJ~eWsQktLMK2D@fJW|ylJn63mG&~Y4wI;eHN~kp?-K->%Y>nc|uP)*A)6O8na"
        "hx<BVqk>2WI*@$TVK!GI!G<D+*er)XjW^|miA-C=W*HAY~y<aS%cB5(zKzAGKnP=5D<&Tq;IhnD#Fk0Z$P-gIX}u#PPSSDrJ"
        "V+dH+If(+*QzLYuY0$Zr+BWcKOsufsER#p<_Zyoc`=fefI{w`8_bPBGRGHCHBy?>9Fe?HEy@wKcu%4nYIZ^QXPcxt~PlZnwQ"
        "E)yQd$K>{0Bchklo|e|OOq}<^^U)E_lBVaKyhpb-c1zF6V=;PeObh~T#-%-ryyt8Uv$plu#RV6wY2!i5tT4LHSLN@$AFfrN;"
        "Sqs!u53_B3okAJ_V>T=Wj?<RRGaUv)46K+E3kR^DGgGJt0%#Pb>Q^7DH4BF))X{0$}Psos0Er7oJe&B3!RRst0lijHi_`z(0"
        "W61(mJ;n1SVJJ;<#-`3vU|?fc<u##;!|MSe`yyg?aBLBxRUGpp9+LJKJD=EP~k$6$<B@p3CL^(tYkNc>bI1qtW=-t&=DjG>H"
        "UtOi8@0!Acf9mz~!r=SxOpN-tGYJe1xaMtE8u@P{-sPZRCmwQe{f7G_;2rfTUV(u2zu8|`WWYB=mc{|9HJ85A^H9#LMV7S+^"
        "tEUz@^Mtz^~zN#X=fp?j+3$Zuo@R#cqS)Df}bHahtwC<_Ly?G5I-M(izSD<a@<HtDReFRdxbC0&GFRsE@eh98%v>z@~VT;Uf"
        "{jAChmy>NiAX<uvnZ((V{R`-FL+mfdWl^z2^x4U1np<j)1MV>=>1<tp%c%VKPtr7yq)EL!RD3W-{U}(PdwtPCeXSyEB5GDKg"
        "GyI-cRE;$*KaM6-2JP<k>}e`cS_X+xvyeyGSLw!@v!ZOIjj(Lh<hpQ4q|VtT~=A6rqO<fO2PoQ59@M&64CkG6;4oX{c)kF*t"
        "b$va_#sz@+X?b%by8<FMdXT=-o$6jffB3$1i7Z5M&Y}XrPo>ypb6GLe{0ZdAlED@Lxg2ou{-SH7j7>vQGkeSRo3mA=TGo6M5"
        "gNGgqhK(YIZeoSkk=f|FDMl#h_E2Ubu1YSx`}SNTfM*wn6?swkI5;S0(DQj2ykb#Yia%<$v~I<>81#r?IC%Dkv|(nB4$&Ogy"
        "^g82lRm;$lXKd+(oy_sN)>PLy$S-P`!r3zBMifxX!KA*$gq)nbT;cfA`VKkaP_VNdet&ZE=ZxIrmb2RU^)_^XqYQ(a%=+?8i"
        "m6fo`0*h9)*vp5__ISNK<}05c5YlcVZXt8p<&13!U!*c%3A^S{7f`%O#9zp1YsD9rJ(Da33tNrWwB=dOUN>8(dcHYh!tFKPT"
        "sq)H`ah@lA0k`$n*"
    )
)
_FIRST, _LAST = 2, 4


def ogg(packets: Sequence[bytes]) -> bytes:
    """Returns a file with one page per packet; empty packets repeat the preceding frame."""
    pages = [_page(part, 0, number) for number, part in enumerate((_ABOUT, _COMMENTS, _SETUP))]
    key = 0
    for index, packet in enumerate(packets):
        key = index + 1 if packet else key
        place = key << _SHIFT | index + 1 - key
        pages.append(_page(packet, place, len(pages), last=index == len(packets) - 1))
    return b"".join(pages)


def _page(packet: bytes, place: int, number: int, *, last: bool = False) -> bytes:
    """Returns an Ogg page with one packet (RFC 3533)."""
    flags = (_FIRST if number == 0 else 0) | (_LAST if last else 0)
    sizes = b"\xff" * (len(packet) // 255) + bytes([len(packet) % 255])
    head = struct.pack("<4sBBqIII", b"OggS", 0, flags, place, 1, number, 0)
    page = head + bytes([len(sizes)]) + sizes + packet
    return page[:22] + struct.pack("<I", _checksum(page)) + page[26:]


def _checksum(data: bytes) -> int:
    result = 0
    for byte in data:
        result ^= byte << 24
        for _ in range(8):
            result = result << 1 ^ (0x104C11DB7 if result >> 31 else 0)
    return result
