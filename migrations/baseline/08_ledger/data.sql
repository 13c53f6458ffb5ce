-- Currencies of ISO 4217 with the number of digits after the decimal point. Units of account
-- without a minor unit, such as gold and the codes for tests, are omitted, because nobody can pay
-- with them.

insert into lms_private.currencies (code, digits)
select
  btrim(code, E' \n'),
  digits
from (values
  (0, 'BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF'),
  (2, '
    AED,AFN,ALL,AMD,XCG,AOA,ARS,AUD,AWG,AZN,BAM,BBD,BDT,BGN,BMD,BND,BOB,BOV,BRL,BSD,BTN,BWP,BYN,BZD,CAD,
    CDF,CHE,CHF,CHW,CNY,COP,COU,CRC,CUC,CUP,CVE,CZK,DKK,DOP,DZD,EGP,ERN,ETB,EUR,FJD,FKP,GBP,GEL,GHS,GIP,
    GMD,GTQ,GYD,HKD,HNL,HRK,HTG,HUF,IDR,ILS,INR,IRR,JMD,KES,KGS,KHR,KPW,KYD,KZT,LAK,LBP,LKR,LRD,LSL,MAD,
    MDL,MGA,MKD,MMK,MNT,MOP,MRU,MUR,MVR,MWK,MXN,MXV,MYR,MZN,NAD,NGN,NIO,NOK,NPR,NZD,PAB,PEN,PGK,PHP,PKR,
    PLN,QAR,RON,RSD,RUB,SAR,SBD,SCR,SDG,SEK,SGD,SHP,SLE,SLL,SOS,SRD,SSP,STN,SVC,SYP,SZL,THB,TJS,TMT,TOP,
    TRY,TTD,TWD,TZS,UAH,USD,USN,UYU,UZS,VED,VES,WST,XCD,YER,ZAR,ZMW,ZWL,ZWG
  '),
  (3, 'BHD,IQD,JOD,KWD,LYD,OMR,TND'),
  (4, 'CLF,UYW')
) as of_digits (digits, codes)
cross join unnest(string_to_array(codes, ',')) as code;
